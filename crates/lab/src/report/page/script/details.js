// A record with everything that says how it was measured.

function runsOf(section, record) {
  return section.runs.filter(run => run.model === record.model && record.seeds.includes(run.seed));
}

function pairs(entries) {
  const rows = entries.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el("table", { class: "pairs" }, el("tbody", {}, rows.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, String(value))))));
}

function recordPairs(record) {
  const versions = Object.entries(record.environment.versions ?? {}).map(([name, version]) => `${name} ${version}`);
  return [
    ["quantity", record.unit ? `${record.quantity}, ${record.unit}` : record.quantity],
    ["values", record.values.map((value, at) => `${number(value)} (seed ${record.seeds[at] ?? "?"})`).join(", ")],
    ["noise (two standard errors)", typeof record.standard_error === "number" ? `± ${number(2 * record.standard_error)}` : "unknown"],
    ["data set", record.dataset],
    ["scale", record.scale],
    ["epochs", record.epochs || null],
    ["parameters", record.parameters && grouped(record.parameters)],
    ["ended", unique(record.outcomes).join(", ")],
    ["time", record.wall_seconds > 0 ? duration(record.wall_seconds) : null],
    ["images a second", record.images_per_second > 0 ? number(record.images_per_second) : null],
    ["machine", record.machine],
    ["system", record.environment.system],
    ["date", record.date],
    ["versions", versions.join(", ")],
    ...Object.entries(record.settings ?? {}),
  ];
}

function runLinks(run) {
  const names = ["result.json", "config.toml", "log.jsonl"];
  const path = run.folder.split("/").map(encodeURIComponent).join("/");
  const prefix = SERVED ? "files/" : "";
  return el("p", { class: "soft" }, `Files of seed ${run.seed}: `, names.map((name, at) => [at > 0 ? ", " : null, el("a", { href: `${prefix}${path}/${name}` }, name)]));
}

function showDetails(section, record) {
  const runs = runsOf(section, record);
  const compareButtons = record.seeds.map(seed => el("button", {
    type: "button",
    on: { click: event => { event.target.closest("dialog").close(); chooseForComparison(section, record, seed); } },
  }, record.seeds.length > 1 ? `Compare seed ${seed}` : "Compare with another run"));
  dialog(`${section.id}: ${record.model}`, "details",
    el("div", { class: "inside" },
      el("h3", {}, "Command"),
      record.command ? commandLine(record.command) : el("p", { class: "soft" }, "The record names no command."),
      el("div", { class: "row" }, compareButtons),
      el("h4", {}, "Record"),
      pairs(recordPairs(record)),
      record.notes?.length > 0 && [el("h4", {}, "Deviations from the paper"), el("ul", {}, record.notes.map(note => el("li", {}, note)))],
      runs.map(run => [
        el("h4", {}, `Settings of seed ${run.seed}`),
        runLinks(run),
        pairs(Object.entries(run.settings)),
      ])));
}

// Deviations: what all rows share first, then row by row.
function deviations(section, records) {
  const notes = records.map(record => record.notes ?? []);
  const all = unique(notes.flat());
  const shared = all.filter(note => notes.every(list => list.includes(note)));
  const own = new Map();
  for (const note of all.filter(one => !shared.includes(one))) {
    const models = unique(records.filter(record => record.notes?.includes(note)).map(record => record.model)).join("; ");
    own.set(models, [...(own.get(models) ?? []), note]);
  }
  const list = lines => el("ul", {}, lines.map(line => el("li", {}, line)));
  if (all.length + section.notes.length === 0) return null;
  return el("details", { class: "deviations" },
    el("summary", {}, `Deviations from the paper and notes (${all.length + section.notes.length})`),
    shared.length > 0 && [el("p", { class: "soft" }, "All rows"), list(shared)],
    [...own].map(([models, lines]) => [el("p", { class: "soft" }, models), list(lines)]),
    section.notes.length > 0 && list(section.notes));
}

function measuredBy(records) {
  const how = unique(records.map(record => [record.machine, record.date].filter(Boolean).join("; ")).filter(Boolean));
  const commands = unique(records.map(record => record.command).filter(Boolean));
  return [
    how.length > 0 && el("p", { class: "soft" }, `Measured on ${how.join(" and ")}.`),
    commands.map(commandLine),
  ];
}
