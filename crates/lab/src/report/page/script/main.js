// Puts the page together.

function sectionPart(section) {
  const records = recordsShown(section);
  const id = anchor(section);
  const findings = findingsOf([section]);
  const tables = unique(records.map(record => record.dataset)).map(dataset => resultTable(section, dataset, records));
  return el("article", { class: "card", id, "aria-labelledby": `${id}-title` },
    el("div", { class: "row" }, el("h3", { id: `${id}-title` }, `${section.id}: ${section.title}`), el("span", { class: "badge" }, `scale ${section.scale}`)),
    findings.length > 0 && el("ul", { class: "findings" }, findings.map(entry => findingItem(entry, null))),
    tables,
    tables.length > 0 && drawnKey(records),
    section.marks.length > 0 && el("p", { class: "soft" }, section.marks.map(([, meaning]) => meaning).join("; ")),
    sectionChart(section),
    gallery(section.figures),
    measuredBy(records),
    deviations(section, records));
}

function contents(sections) {
  return el("nav", { class: "contents", "aria-label": "Experiments" }, el("details", {},
    el("summary", {}, `Contents: ${counted(sections.length, "experiment", "experiments")}`),
    el("ul", {}, sections.map(section => el("li", {}, el("a", { href: `#${anchor(section)}` }, `${section.id}: ${section.title}`), ` (${section.scale})`)))));
}

function resultsPart() {
  const sections = DATA.sections.filter(sectionShown);
  const part = el("div", { id: "shown" }, contents(sections));
  for (const paper of unique(sections.map(section => section.paper))) {
    const mine = sections.filter(section => section.paper === paper);
    part.append(el("section", { "aria-label": `Results of ${paper}` }, el("h2", {}, mine[0].paper_title || paper), mine.map(sectionPart)));
  }
  if (sections.length === 0) part.append(el("p", { class: "empty" }, "No results pass the filters."));
  document.getElementById("count").textContent = `${counted(sections.length, "experiment", "experiments")} shown`;
  return part;
}

function redraw() {
  document.getElementById("shown").replaceWith(resultsPart());
  document.getElementById("claims-part").replaceChildren(...[claimsPart()].filter(Boolean));
}

function render() {
  const [x, y] = [scrollX, scrollY];
  document.getElementById("results").replaceChildren(filterBar(redraw), el("div", { id: "shown" }));
  redraw();
  drawComparison();
  scrollTo(x, y);
}

function start() {
  document.title = DATA.title || "Results";
  document.getElementById("head").append(
    el("div", {}, el("h1", {}, DATA.title || "Results"), el("p", { class: "soft" }, DATA.made_by)),
    themeSwitch());
  startFilter();
  document.getElementById("main").replaceChildren(...[
    livePart(),
    el("div", { id: "claims-part" }),
    el("section", { id: "results", "aria-label": "Results", tabindex: "-1" }),
    el("section", { id: "compare" }),
  ].filter(Boolean));
  render();
  // The browser looked for the place in the address before it was there.
  if (location.hash.length > 1) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  if (SERVED) follow();
}

start();
