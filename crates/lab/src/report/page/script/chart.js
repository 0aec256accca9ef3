// Learning curves: rows to switch, training and test, linear and logarithmic axes, hover, zoom, arrow keys.

const CURVES = {
  error: { name: "error, %", test: "test_error", train: "train_error" },
  loss: { name: "loss", test: "test_loss", train: "train_loss" },
  rate: { name: "learning rate", train: "lr" },
  speed: { name: "images a second", train: "images_per_second" },
};
// More rows than this begin without their training curves.
const MANY = 4;

const pending = new Map();
const seen = new IntersectionObserver(entries => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) build(target);
}, { rootMargin: "600px" });

function build(target) {
  seen.unobserve(target);
  pending.get(target)?.();
  pending.delete(target);
}

addEventListener("beforeprint", () => { for (const target of [...pending.keys()]) build(target); });

function hasValues(run, name) {
  return name !== undefined && run[name].some(value => typeof value === "number");
}

function toggle(text, pressed, change) {
  const button = el("button", { type: "button", "aria-pressed": String(pressed) }, text);
  button.addEventListener("click", () => {
    const now = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(now));
    change(now);
  });
  return button;
}

// A chart of the given runs; `nameOf` says what each is called, and runs of one model share a color.
// `switches` keeps what is switched on, and the epochs in view, for the next chart of the same place.
function chart(runs, nameOf, title, switches = {}) {
  const kinds = Object.keys(CURVES).filter(kind => runs.some(run => hasValues(run, CURVES[kind].test) || hasValues(run, CURVES[kind].train)));
  if (kinds.length === 0) return null;
  const colors = unique(runs.map(run => run.model));
  const state = Object.assign(switches, { kind: kinds[0], test: true, train: runs.length <= MANY, logY: false, logX: false, off: new Set(), zoomed: null, ...switches });
  const keyOf = run => run.folder ?? nameOf(run);
  if (!kinds.includes(state.kind)) state.kind = kinds[0];
  const plot = el("div", { class: "plot", tabindex: "0", role: "group", "aria-label": `${title}: chart. Arrow keys move along the epochs, plus and minus zoom, Escape shows all.` });
  const epoch = el("output", { class: "soft" });
  let view = null;

  const lines = () => runs.filter(run => !state.off.has(keyOf(run))).flatMap(run => ["test", "train"].flatMap(part => {
    const name = CURVES[state.kind][part];
    const wanted = CURVES[state.kind].test === undefined || state[part];
    return wanted && hasValues(run, name) ? [{ run, part, values: run[name] }] : [];
  }));

  function paint() {
    view?.destroy();
    view = null;
    plot.replaceChildren();
    const shown = lines();
    if (shown.length === 0) {
      plot.append(el("p", { class: "empty" }, "No row is switched on that has this curve."));
      return readOut(null);
    }
    const positive = value => state.logY && value <= 0 ? null : value;
    const data = uPlot.join(shown.map(({ run, values }) => [run.epoch, values.map(positive)]));
    const axis = { stroke: color("--text"), grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line"), width: 1 }, font: "13px system-ui", labelFont: "13px system-ui" };
    view = new uPlot({
      width: Math.max(plot.clientWidth, 200),
      height: innerWidth < 600 ? 260 : 340,
      legend: { show: false },
      cursor: { drag: { x: true, y: true, uni: 40 }, focus: { prox: 24 }, points: { size: 8 } },
      focus: { alpha: 0.35 },
      scales: { x: { time: false, distr: state.logX ? 3 : 1 }, y: { distr: state.logY ? 3 : 1 } },
      axes: [{ ...axis, label: "epoch", labelSize: 22 }, { ...axis, label: CURVES[state.kind].name, size: 62, labelSize: 22 }],
      series: [{}, ...shown.map(({ run, part }) => ({
        stroke: color(`--c${colors.indexOf(run.model) % 10}`),
        width: part === "test" ? 2.25 : 1.5,
        dash: part === "train" && CURVES[state.kind].test ? [6, 4] : undefined,
        spanGaps: true,
        points: { show: run.epoch.length < 2 ? true : undefined, size: 6 },
      }))],
      hooks: { setCursor: [u => readOut(u.cursor.idx, u.data, shown)], setScale: [(u, axis) => { if (axis === "x") keepZoom(u); }] },
    }, data, plot);
    if (state.zoomed) view.setScale("x", state.zoomed);
    readOut(null, data, shown);
  }

  // The epochs in view, unless they are all.
  function keepZoom(u) {
    if (u !== view) return;
    const { min, max } = u.scales.x;
    const xs = u.data[0];
    state.zoomed = min <= xs[0] && max >= xs[xs.length - 1] ? null : { min, max };
  }

  const outputs = new Map(runs.map(run => [run, el("output", {})]));

  // The values under the cursor, or the last ones.
  function readOut(at, data, shown) {
    for (const output of outputs.values()) output.textContent = "";
    if (!data) return;
    const index = typeof at === "number" ? at : data[0].length - 1;
    epoch.textContent = typeof at === "number" ? `epoch ${data[0][index]}` : "last epoch";
    shown.forEach(({ run, part }, line) => {
      const values = data[line + 1];
      let last = index;
      while (last >= 0 && typeof values[last] !== "number") last--;
      if (last < 0) return;
      const what = CURVES[state.kind].test ? `${part} ` : "";
      const output = outputs.get(run);
      output.textContent += `${output.textContent ? ", " : ""}${what}${number(values[last])}`;
    });
  }

  function zoom(factor) {
    if (!view) return;
    const { min, max } = view.scales.x;
    const middle = typeof view.cursor.idx === "number" ? view.data[0][view.cursor.idx] : (min + max) / 2;
    view.setScale("x", { min: middle - (middle - min) * factor, max: middle + (max - middle) * factor });
  }

  function whole() {
    if (view) view.setData(view.data, true);
  }

  function move(by) {
    if (!view) return;
    const xs = view.data[0];
    const from = typeof view.cursor.idx === "number" ? view.cursor.idx : by > 0 ? -1 : xs.length;
    const to = Math.min(Math.max(from + by, 0), xs.length - 1);
    view.setCursor({ left: view.valToPos(xs[to], "x"), top: view.over.clientHeight / 2 });
  }

  plot.addEventListener("keydown", event => {
    const act = { ArrowLeft: () => move(-1), ArrowRight: () => move(1), "+": () => zoom(0.5), "-": () => zoom(2), Escape: whole }[event.key];
    if (!act) return;
    act();
    event.preventDefault();
  });

  const set = name => now => { state[name] = now; paint(); };
  const kind = el("select", { "aria-label": "Quantity" }, kinds.map(name => el("option", { value: name, selected: name === state.kind }, CURVES[name].name)));
  kind.addEventListener("change", () => { state.kind = kind.value; paint(); });
  const action = (text, act) => el("button", { type: "button", on: { click: act } }, text);
  const tools = el("div", { class: "row tools" }, kind,
    toggle("Test", state.test, set("test")), toggle("Training (dashed)", state.train, set("train")),
    toggle("Log y", state.logY, set("logY")), toggle("Log x", state.logX, set("logX")),
    action("Zoom in", () => zoom(0.5)), action("Zoom out", () => zoom(2)), action("Whole range", whole));

  const boxes = new Map(runs.map(run => {
    const box = el("input", { type: "checkbox" });
    box.checked = !state.off.has(keyOf(run));
    box.addEventListener("change", () => {
      if (box.checked) state.off.delete(keyOf(run));
      else state.off.add(keyOf(run));
      paint();
    });
    return [run, box];
  }));
  function all(on) {
    for (const [run, box] of boxes) {
      box.checked = on;
      if (on) state.off.delete(keyOf(run));
      else state.off.add(keyOf(run));
    }
    paint();
  }
  const legend = el("ul", { class: "legend" }, runs.map(run => {
    const swatch = el("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.color = `var(--c${colors.indexOf(run.model) % 10})`;
    return el("li", {}, el("label", {}, boxes.get(run), swatch, el("span", { class: "name" }, nameOf(run)), outputs.get(run)));
  }));

  pending.set(plot, () => {
    paint();
    new ResizeObserver(() => view?.setSize({ width: Math.max(plot.clientWidth, 200), height: view.height })).observe(plot);
  });
  seen.observe(plot);
  const repaint = () => {
    if (!plot.isConnected) repaints.delete(repaint);
    else if (view) paint();
  };
  repaints.add(repaint);
  return el("div", { class: "chart" }, tools, plot,
    el("div", { class: "row" }, epoch, runs.length > 2 && [action("All rows", () => all(true)), action("No row", () => all(false))]),
    legend);
}

function sectionChart(section) {
  const runs = runsShown(section);
  const seeds = new Set(runs.map(run => run.seed));
  const nameOf = run => seeds.size > 1 ? `${run.model || run.label}, seed ${run.seed}` : run.model || run.label;
  return chart(runs, nameOf, section.id);
}
