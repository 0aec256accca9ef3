// What is shown: by paper, scale, data set and seed.

const filter = { paper: "", scale: "", dataset: "", seed: "" };
// Smoke runs only show that everything runs: they are left out unless there is nothing else or one asks for them.
const NO_SMOKE = "no smoke";

function startFilter() {
  const scales = unique(DATA.sections.map(section => section.scale));
  if (scales.includes("smoke") && scales.some(scale => scale && scale !== "smoke")) filter.scale = NO_SMOKE;
}

function scaleShown(scale) {
  if (!scale || filter.scale === "") return true;
  return filter.scale === NO_SMOKE ? scale !== "smoke" : scale === filter.scale;
}

// The records of a section that the filter lets through, with their values of the chosen seed.
function recordsShown(section) {
  const records = section.records.filter(record => filter.dataset === "" || setName(record.dataset) === filter.dataset);
  if (filter.seed === "") return records;
  return records.flatMap(record => {
    const at = record.seeds.findIndex(seed => String(seed) === filter.seed);
    if (at < 0) return [];
    return [{ ...record, seeds: [record.seeds[at]], values: [record.values[at]], mean: record.values[at], spread: null }];
  });
}

function runsShown(section) {
  return section.runs.filter(run => filter.seed === "" || String(run.seed) === filter.seed);
}

function sectionShown(section) {
  if (filter.paper !== "" && section.paper !== filter.paper) return false;
  if (!section.scale) return false;
  return scaleShown(section.scale) && (recordsShown(section).length > 0 || (section.records.length === 0 && runsShown(section).length > 0));
}

function filterBar(changed) {
  const sections = DATA.sections;
  const seeds = unique(sections.flatMap(s => [...s.records.flatMap(r => r.seeds), ...s.runs.map(r => r.seed)]));
  const scales = ["smoke", "quick", "cpu", "paper"].filter(scale => sections.some(s => s.scale === scale));
  const choices = {
    paper: ["Paper", unique(sections.map(s => s.paper)).map(paper => [paper, paper])],
    scale: ["Scale", scales.map(scale => [scale, scale])],
    dataset: ["Data set", unique(sections.flatMap(s => s.records.map(r => setName(r.dataset)))).sort().map(name => [name, name])],
    seed: ["Seed", seeds.sort((a, b) => a - b).map(seed => [String(seed), String(seed)])],
  };
  const shown = el("output", { id: "count" });
  const bar = el("form", { id: "filters", "aria-label": "Filters", on: { submit: event => event.preventDefault() } });
  for (const [name, [label, values]] of Object.entries(choices)) {
    const all = [["", "All"]];
    if (name === "scale" && scales.includes("smoke") && scales.length > 1) all.push([NO_SMOKE, "All but smoke"]);
    const options = [...all, ...values].map(([value, text]) => el("option", { value, selected: value === filter[name] }, text));
    const select = el("select", { name }, options);
    select.addEventListener("change", () => {
      filter[name] = select.value;
      changed();
    });
    bar.append(el("label", {}, label, select));
  }
  bar.append(shown);
  return bar;
}
