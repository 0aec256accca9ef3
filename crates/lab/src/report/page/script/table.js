// The table of an experiment on one data set: paper beside measured, as numbers and drawn.

// Rows in the order of the paper, then what was measured besides. A row belongs to the set it was measured on.
function rowsOf(section, dataset, records) {
  const key = item => `${item.model}\n${item.quantity}`;
  const here = records.filter(record => record.dataset === dataset);
  const elsewhere = new Set(records.filter(record => record.dataset !== dataset).map(key));
  const rows = new Map();
  for (const claim of section.claims) {
    const record = here.find(one => key(one) === key(claim));
    if (record || !elsewhere.has(key(claim))) rows.set(key(claim), { claim, record });
  }
  for (const record of here) {
    if (!rows.has(key(record))) rows.set(key(record), { record });
  }
  return [...rows.values()].map(row => ({ ...row, ...nameOf(row) }));
}

function nameOf({ claim, record }) {
  const { model, quantity, unit } = claim ?? record;
  return { model, quantity, unit };
}

// With as many decimals as the paper's numbers of this quantity have.
function paperText(claim, claims) {
  const values = claims.filter(other => other.quantity === claim?.quantity && typeof other.value === "number").map(other => other.value);
  const decimals = Math.max(0, ...values.map(value => (String(value).split(".")[1] ?? "").length));
  const sign = { "from-memory": "~", computed: "=", unknown: "?" }[claim?.mark] ?? "";
  if (typeof claim?.value === "number") return (decimals <= 2 ? claim.value.toFixed(decimals) : number(claim.value)) + sign;
  return claim?.mark === "unknown" ? "?" : "-";
}

function measuredText(record) {
  if (!record) return "not run";
  const mean = record.mean ?? null;
  const measured = typeof record.spread === "number" ? withSpread(mean, record.spread) : number(mean);
  const counts = [["dead-start", "dead start"], ["interrupted", "interrupted"]].map(([outcome, name]) => [record.outcomes.filter(one => one === outcome).length, name]);
  const without = mean === null ? 0 : record.values.filter(value => typeof value !== "number").length;
  const failed = [...counts, [without, "without a number"]].map(([count, name]) => count > 0 ? ` (${count} ${name})` : "");
  const epochs = record.settings?.epochs;
  return measured + (epochs === undefined ? "" : ` (${epochs} epochs)`) + failed.join("");
}

const WIDTH = 200;

// One scale for all rows of a quantity; it begins at 0 unless the values lie close together far from it.
function scaleOf(rows) {
  const values = rows.flatMap(({ claim, record }) => [claim?.value, ...(record?.values ?? [])]).filter(value => typeof value === "number");
  if (values.length === 0) return null;
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const low = least >= 0 && least < 0.8 * most ? 0 : least - 0.1 * (most - least || Math.abs(most) || 1);
  const high = most > 0 && low === 0 ? most : most + 0.1 * (most - least || Math.abs(most) || 1);
  return value => 8 + (WIDTH - 16) * (value - low) / (high - low || 1);
}

function paperMark(x) {
  return svg("path", { class: "mark-paper", d: `M${x - 5} 14 l5 -6 l5 6 l-5 6 z` });
}

function drawn({ claim, record }, place) {
  if (!place) return null;
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} 28`, "aria-hidden": "true" });
  picture.append(svg("line", { class: "mark-axis", x1: 0, x2: WIDTH, y1: 14, y2: 14 }));
  if (typeof claim?.value === "number") picture.append(paperMark(place(claim.value)));
  if (typeof record?.mean === "number") {
    if (typeof record.spread === "number") {
      picture.append(svg("line", { class: "mark-spread", x1: place(record.mean - record.spread), x2: place(record.mean + record.spread), y1: 14, y2: 14 }));
    }
    if (typeof record.spread !== "number" && typeof record.standard_error === "number") {
      const noise = 2 * record.standard_error;
      const [from, to] = [place(record.mean - noise), place(record.mean + noise)].map(x => Math.min(Math.max(x, 0), WIDTH));
      picture.append(svg("line", { class: "mark-noise", x1: from, x2: to, y1: 14, y2: 14 }));
    }
    if (record.values.length > 1) {
      for (const value of record.values.filter(one => typeof one === "number")) picture.append(svg("circle", { class: "mark-seed", cx: place(value), cy: 14, r: 3 }));
    }
    picture.append(svg("circle", { class: "mark-mean", cx: place(record.mean), cy: 14, r: 5 }));
  }
  return picture;
}

function tableRow(section, row, place, withParameters) {
  const { claim, record, model } = row;
  const cell = (name, text, more) => el("td", { role: "cell", class: `number ${more ?? ""}`, "data-name": name }, text);
  const details = record && el("button", { type: "button", class: "plain", "aria-label": `Details of ${model}`, on: { click: () => showDetails(section, record) } }, "Details");
  return el("tr", { role: "row" },
    el("th", { role: "rowheader", scope: "row" }, model || "(no name)"),
    withParameters && cell("parameters", grouped(record?.parameters)),
    cell("paper", paperText(claim, section.claims)),
    cell("measured", measuredText(record), "measured"),
    el("td", { role: "cell", class: "drawn" }, drawn(row, place)),
    cell("runs", String(record?.values.filter(value => typeof value === "number").length ?? 0)),
    cell("time", record?.wall_seconds > 0 ? duration(record.wall_seconds) : "-"),
    el("td", { role: "cell", class: "actions" }, details));
}

function resultTable(section, dataset, records) {
  const rows = rowsOf(section, dataset, records);
  const withParameters = rows.some(({ record }) => typeof record?.parameters === "number");
  const columns = ["model", withParameters && "parameters", "paper", "measured", "drawn", "runs", "time", "more"].filter(Boolean);
  const head = columns.map(name => el("th", { role: "columnheader", scope: "col", class: ["model", "drawn", "more"].includes(name) ? "" : "number" }, name));
  const body = el("tbody", { role: "rowgroup" });
  for (const quantity of unique(rows.map(row => row.quantity))) {
    const some = rows.filter(row => row.quantity === quantity);
    const unit = some[0].unit ? `, ${some[0].unit}` : "";
    body.append(el("tr", { role: "row", class: "quantity" }, el("th", { role: "rowheader", scope: "rowgroup", colspan: columns.length }, quantity + unit)));
    const place = scaleOf(some);
    for (const row of some) body.append(tableRow(section, row, place, withParameters));
  }
  return el("table", { role: "table", class: "results" },
    el("caption", {}, dataset || "(no data set)"),
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, head)),
    body);
}

function drawnKey(records) {
  const sign = (...marks) => svg("svg", { viewBox: "0 0 26 28", "aria-hidden": "true" }, marks);
  const line = kind => sign(svg("line", { class: kind, x1: 2, x2: 24, y1: 14, y2: 14 }));
  const item = (picture, text) => el("span", {}, picture, ` ${text}`);
  return el("p", { class: "soft key" },
    item(sign(paperMark(13)), "paper"),
    item(sign(svg("circle", { class: "mark-mean", cx: 13, cy: 14, r: 6 })), "measured"),
    records.some(record => typeof record.spread === "number") && item(line("mark-spread"), "standard deviation over the seeds"),
    records.some(record => typeof record.spread !== "number" && typeof record.standard_error === "number") && item(line("mark-noise"), "two standard errors of one run, from the number of test images"));
}
