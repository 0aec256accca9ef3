// Two runs side by side: values, settings that differ, curves over each other.

let chosen = [null, null];

// Every run that has a record or a history, under a name that survives a change of the filters.
function comparable() {
  return DATA.sections.flatMap((section, at) => {
    const entries = new Map();
    const entry = (model, dataset, seed) => {
      const key = JSON.stringify([section.id, section.scale, model, dataset, seed]);
      if (!entries.has(key)) entries.set(key, { key, at, section, model, dataset, seed, records: [], run: null });
      return entries.get(key);
    };
    for (const record of section.records) {
      for (const seed of unique(record.seeds)) {
        const one = entry(record.model, record.dataset, seed);
        one.records.push(record);
        one.run = section.runs.find(run => run.model === record.model && run.seed === seed) ?? null;
      }
    }
    for (const run of section.runs) {
      if (![...entries.values()].some(one => one.run === run)) entry(run.model || run.label, "", run.seed).run = run;
    }
    return [...entries.values()];
  });
}

function chooseForComparison(section, record, seed) {
  const entry = comparable().find(one => one.section === section && one.model === record.model && one.dataset === record.dataset && one.seed === seed);
  if (!entry) return;
  if (chosen[0] === null || chosen[1] !== null) chosen = [entry.key, null];
  else chosen[1] = entry.key;
  drawComparison();
  const part = document.getElementById("compare");
  part.scrollIntoView();
  part.querySelectorAll("select")[chosen[1] === null ? 1 : 0].focus();
  say(chosen[1] === null ? "First run chosen; choose the second" : "Both runs chosen");
}

function valueOf(record, seed) {
  return record?.values[record.seeds.indexOf(seed)] ?? null;
}

function settingsOf(entry) {
  const record = entry.records[0];
  const own = record ? {
    "data set": record.dataset, scale: record.scale, epochs: record.epochs, parameters: record.parameters,
    machine: record.machine, device: record.environment.device, date: record.date, command: record.command, ...record.settings,
  } : { command: entry.run.command };
  return { ...own, ...entry.run?.settings };
}

function valuesTable(a, b) {
  const quantities = unique([...a.records, ...b.records].map(record => record.quantity));
  const rows = quantities.map(quantity => {
    const [one, two] = [a, b].map(entry => valueOf(entry.records.find(record => record.quantity === quantity), entry.seed));
    const both = typeof one === "number" && typeof two === "number";
    return el("tr", {}, el("th", { scope: "row" }, quantity), el("td", {}, number(one)), el("td", {}, number(two)), el("td", {}, both ? number(two - one) : "-"));
  });
  if (rows.length === 0) return null;
  const head = ["quantity", "first", "second", "second minus first"].map(name => el("th", { scope: "col" }, name));
  return el("table", { class: "pairs" }, el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows));
}

function settingsTable(a, b) {
  const [one, two] = [settingsOf(a), settingsOf(b)];
  const text = value => value === undefined || value === null ? "-" : String(value);
  const names = unique([...Object.keys(one), ...Object.keys(two)]);
  const differ = names.filter(name => text(one[name]) !== text(two[name]));
  const same = names.filter(name => !differ.includes(name));
  const table = (list, kind) => el("table", { class: "pairs" },
    el("thead", {}, el("tr", {}, ["setting", "first", "second"].map(name => el("th", { scope: "col" }, name)))),
    el("tbody", {}, list.map(name => el("tr", { class: kind }, el("th", { scope: "row" }, name), el("td", {}, text(one[name])), el("td", {}, text(two[name]))))));
  return [
    el("h4", {}, differ.length > 0 ? "Settings that differ" : "No setting differs"),
    differ.length > 0 && table(differ, "differs"),
    same.length > 0 && el("details", {}, el("summary", {}, `${counted(same.length, "setting is", "settings are")} the same`), table(same, "")),
  ];
}

function comparison(a, b) {
  const runs = [a, b].map((entry, at) => entry.run && { ...entry.run, model: `${at === 0 ? "first" : "second"}: ${entry.model}, seed ${entry.seed}` }).filter(Boolean);
  return [
    valuesTable(a, b),
    runs.length > 0 ? chart(runs, run => run.model, "Comparison") : el("p", { class: "soft" }, "There are no learning curves of these runs here."),
    settingsTable(a, b),
  ];
}

function drawComparison() {
  const entries = comparable();
  const pick = (which, label) => {
    const groups = DATA.sections.map((section, at) => {
      const mine = entries.filter(entry => entry.at === at);
      const options = mine.map(entry => el("option", { value: entry.key, selected: entry.key === chosen[which] }, `${entry.model}, seed ${entry.seed}${section.records.length > 0 && entry.dataset ? `, ${setName(entry.dataset)}` : ""}`));
      return mine.length > 0 && el("optgroup", { label: `${section.id}, scale ${section.scale}` }, options);
    });
    const select = el("select", {}, el("option", { value: "" }, "Choose a run"), groups);
    select.addEventListener("change", () => {
      chosen[which] = select.value || null;
      drawComparison();
      document.getElementById("compare").querySelectorAll("select")[which].focus();
    });
    return el("label", {}, label, select);
  };
  const [a, b] = chosen.map(key => entries.find(entry => entry.key === key));
  const part = el("section", { id: "compare", class: "card", "aria-labelledby": "comparing" },
    el("h2", { id: "comparing" }, "Compare two runs"),
    el("div", { class: "picks" }, pick(0, "First"), pick(1, "Second")),
    a && b ? comparison(a, b) : el("p", { class: "soft" }, "Choose two runs, here or in the details of a row."));
  document.getElementById("compare").replaceWith(part);
}
