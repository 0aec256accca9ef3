// What the papers claim, and what was seen of it.

const VERDICTS = {
  "holds": ["✓", "holds"],
  "does-not-hold": ["✗", "does not hold"],
  "within-the-noise": ["≈", "within the noise"],
  "not-run": ["–", "not run"],
};

function verdictChip(verdict, more) {
  const [sign, words] = VERDICTS[verdict];
  return el("span", { class: `verdict ${verdict}` }, el("span", { "aria-hidden": "true" }, sign), `${words}${more ?? ""}`);
}

function anchor(section) {
  return `s${DATA.sections.indexOf(section)}`;
}

// The judgements of one experiment at all shown scales: finding by finding, with the section that shows the evidence.
function findingsOf(sections) {
  const findings = new Map();
  for (const section of sections) {
    for (const { finding, judgements } of section.judged) {
      const key = `${finding.sentence}\n${finding.quantity}`;
      if (!findings.has(key)) findings.set(key, { finding, seen: [] });
      for (const judgement of judgements) {
        if (judgement.scale && !scaleShown(judgement.scale)) continue;
        findings.get(key).seen.push({ judgement, section });
      }
    }
  }
  for (const entry of findings.values()) {
    const ran = entry.seen.filter(({ judgement }) => judgement.verdict !== "not-run");
    if (ran.length > 0) entry.seen = ran;
    else entry.seen = entry.seen.slice(0, 1);
  }
  return [...findings.values()];
}

// One or two comparisons are shown; more are counted, and listed on demand.
function evidenceList(judgement) {
  const parts = judgement.comparisons;
  if (parts.length === 0) return null;
  const list = el("ul", { class: "evidence" }, parts.map(part =>
    el("li", {}, part.evidence, parts.length > 1 && part.verdict !== "not-run" ? ` (${VERDICTS[part.verdict][1]})` : null)));
  if (parts.length <= 2) return list;
  const counts = Object.keys(VERDICTS).map(verdict => [parts.filter(part => part.verdict === verdict).length, VERDICTS[verdict][1]]);
  const text = counts.filter(([count]) => count > 0).map(([count, words]) => `${count} ${words}`).join(", ");
  return el("details", { class: "soft" }, el("summary", {}, `${parts.length} comparisons: ${text}`), list);
}

function seenLine({ judgement, section }, linked) {
  const where = judgement.scale ? `${judgement.datasets.map(setName).join(", ")}, scale ${judgement.scale}` : null;
  const link = linked && judgement.scale
    ? el("a", { href: `#${anchor(section)}` }, where)
    : where && el("span", { class: "soft" }, where);
  return el("div", {}, el("div", { class: "seen" }, verdictChip(judgement.verdict), link), evidenceList(judgement));
}

function findingItem({ finding, seen }, id) {
  const source = finding.mark === "from-memory" ? `${finding.source}, from memory` : finding.source;
  return el("li", {},
    el("p", {}, finding.sentence, " ", el("span", { class: "soft" }, id ? `${source}, ${id}` : source)),
    seen.length > 0 ? seen.map(one => seenLine(one, Boolean(id))) : el("div", { class: "seen" }, verdictChip("not-run")));
}

function paperCard(paper) {
  const sections = DATA.sections.filter(section => section.paper === paper);
  const items = unique(sections.map(section => section.id)).flatMap(id =>
    findingsOf(sections.filter(section => section.id === id)).map(entry => ({ id, entry })));
  if (items.length === 0) return null;
  const verdicts = items.flatMap(({ entry }) => entry.seen.length > 0 ? entry.seen.map(one => one.judgement.verdict) : ["not-run"]);
  const counts = Object.keys(VERDICTS)
    .map(verdict => [verdict, verdicts.filter(one => one === verdict).length])
    .filter(([, count]) => count > 0)
    .map(([verdict, count]) => verdictChip(verdict, `: ${count}`));
  return el("section", { class: "card", "aria-label": `Claims of ${paper}` },
    el("h3", {}, sections[0].paper_title || paper),
    el("div", { class: "counts" }, counts),
    el("ul", { class: "findings" }, items.map(({ id, entry }) => findingItem(entry, id))));
}

function claimsPart() {
  const papers = unique(DATA.sections.map(section => section.paper));
  const shown = papers.filter(paper => filter.paper === null || paper === filter.paper).map(paperCard).filter(Boolean);
  if (shown.length === 0) return null;
  const rule = "A claim holds, or does not, if what was measured differs by more than two standard errors: from the spread over the seeds, or from the number of test images, which are compared one by one where two rows have several seeds.";
  return el("section", { "aria-labelledby": "claims" },
    el("h2", { id: "claims" }, "What the papers claim"),
    el("p", { class: "soft" }, rule),
    el("div", { class: "papers" }, shown));
}
