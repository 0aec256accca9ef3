// What is shown: by paper, scale, data set and seed.

// `null` stands for all.
const filter = { paper: null, scale: null, dataset: null, seed: null };
// Smoke runs only show that everything runs: they are left out unless there is nothing else or one asks for them.
const NO_SMOKE = "no smoke";

function startFilter() {
  const scales = unique(DATA.sections.map(section => section.scale));
  if (scales.includes("smoke") && scales.some(scale => scale && scale !== "smoke")) filter.scale = NO_SMOKE;
}

function scaleShown(scale) {
  if (!scale || filter.scale === null) return true;
  return filter.scale === NO_SMOKE ? scale !== "smoke" : scale === filter.scale;
}

// The records of a section that the filter lets through, with their values of the chosen seed.
function recordsShown(section) {
  const records = section.records.filter(record => filter.dataset === null || setName(record.dataset) === filter.dataset);
  if (filter.seed === null) return records;
  return records.flatMap(record => {
    const at = record.seeds.findIndex(seed => seed === filter.seed);
    if (at < 0) return [];
    return [{ ...record, seeds: [record.seeds[at]], values: [record.values[at]], mean: record.values[at], spread: null }];
  });
}

function runsShown(section) {
  return section.runs.filter(run => filter.seed === null || run.seed === filter.seed);
}

function sectionShown(section) {
  if (filter.paper !== null && section.paper !== filter.paper) return false;
  if (!section.scale) return false;
  return scaleShown(section.scale) && (recordsShown(section).length > 0 || (section.records.length === 0 && runsShown(section).length > 0));
}

function filterBar(changed) {
  const sections = DATA.sections;
  const seeds = unique(sections.flatMap(s => [...s.records.flatMap(r => r.seeds), ...s.runs.map(r => r.seed)]));
  const scales = ["smoke", "quick", "cpu", "paper"].filter(scale => sections.some(s => s.scale === scale));
  const named = values => values.map(value => [value, String(value) || "(no name)"]);
  const scaleChoices = named(scales);
  if (scales.includes("smoke") && scales.length > 1) scaleChoices.unshift([NO_SMOKE, "All but smoke"]);
  const choices = {
    paper: ["Paper", named(unique(sections.map(s => s.paper)))],
    scale: ["Scale", scaleChoices],
    dataset: ["Data set", named(unique(sections.flatMap(s => s.records.map(r => setName(r.dataset)))).sort())],
    seed: ["Seed", named(seeds.sort((a, b) => a - b))],
  };
  const shown = el("output", { id: "count" });
  const bar = el("form", { id: "filters", "aria-label": "Filters", on: { submit: event => event.preventDefault() } });
  for (const [name, [label, values]] of Object.entries(choices)) {
    const list = [[null, "All"], ...values];
    const options = list.map(([value, text], at) => el("option", { value: at, selected: value === filter[name] }, text));
    const select = el("select", { name }, options);
    select.addEventListener("change", () => {
      filter[name] = list[Number(select.value)][0];
      changed();
    });
    bar.append(el("label", {}, label, select));
  }
  bar.append(shown);
  return bar;
}
