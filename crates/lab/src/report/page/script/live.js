// Runs in progress, when the page comes from `report --serve`.

const EVERY = 2000;
let version = null;

// A number of the log, or of the last epoch in it.
function shown(...values) {
  const value = values.find(one => typeof one === "number");
  return value === undefined ? "-" : number(value);
}

function runCard(run) {
  const last = run.last_step;
  const facts = [
    ["epoch", run.epochs_wanted ? `${last?.epoch ?? run.epoch.at(-1) ?? 0} of ${run.epochs_wanted}` : last?.epoch ?? run.epoch.at(-1)],
    ["step", grouped(last?.step)],
    ["loss", shown(last?.loss, run.train_loss.at(-1))],
    ["test error", run.test_error.some(value => value !== null) ? `${number(run.test_error.findLast(value => value !== null))} %` : "-"],
    ["images a second", shown(last?.images_per_second, run.images_per_second.at(-1))],
    ["learning rate", shown(last?.lr, run.lr.at(-1))],
    ["time left", run.state === "running" ? duration(run.seconds_left) : "-"],
  ];
  const stopped = run.state === "stopped";
  const since = run.updated ? duration(Math.max(0, Date.now() / 1000 - run.updated)) : "?";
  return el("article", { class: "card" },
    el("h3", {}, run.label || run.folder),
    el("p", { class: "soft" }, `seed ${run.seed}, ${run.folder}`),
    el("p", {}, el("span", { class: `verdict ${{ running: "holds", ended: "not-run", stopped: "does-not-hold" }[run.state]}` }, stopped ? `stopped ${since} ago` : run.state)),
    typeof run.done === "number" && el("progress", { max: 1, value: run.done, "aria-label": `Progress of ${run.label || run.folder}` }),
    el("dl", {}, facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, String(value ?? "-"))))),
    stopped && [el("p", { class: "soft" }, "Last line of its log:"), el("pre", {}, run.last_line)]);
}

function livePart() {
  return SERVED ? el("section", { id: "live", "aria-labelledby": "running" },
    el("h2", { id: "running" }, "Runs in progress"),
    el("p", { class: "soft", id: "live-state" }, "Asking the server."),
    el("div", { id: "live-runs", class: "runs" }),
    el("div", { id: "live-chart" }),
    el("div", { id: "live-pictures" })) : null;
}

let drawnCurves = "";
// What the switches of the chart say, over its drawings.
const liveSwitches = {};

function showLive(news) {
  const runs = news.runs;
  const running = runs.filter(run => run.state === "running").length;
  const stopped = runs.filter(run => run.state === "stopped").length;
  document.getElementById("live-state").textContent = runs.length === 0
    ? "Nothing is running. This part follows runs as soon as they begin."
    : `${counted(running, "run", "runs")} in progress, ${stopped} stopped without an end.`;
  document.getElementById("live-runs").replaceChildren(...runs.map(runCard));
  // A chart is drawn again only when an epoch is done: it keeps its switches and its zoom.
  const curves = JSON.stringify(runs.map(run => [run.folder, run.epoch.length]));
  if (curves !== drawnCurves) {
    drawnCurves = curves;
    const named = runs.filter(run => run.epoch.length > 0).map(run => ({ ...run, model: `${run.label || run.folder}, seed ${run.seed}` }));
    const picture = named.length > 0 && chart(named, run => run.model, "Runs in progress", liveSwitches);
    document.getElementById("live-chart").replaceChildren(...(picture ? [picture] : []));
  }
  const pictures = gallery(news.pictures);
  const place = document.getElementById("live-pictures");
  const files = JSON.stringify(news.pictures.map(picture => picture.source));
  if (place.dataset.files !== files) {
    place.dataset.files = files;
    place.replaceChildren(...(pictures ? [el("h3", {}, "Newest pictures"), pictures] : []));
  }
}

async function ask(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  return parse(await answer.text());
}

async function follow() {
  try {
    if (document.hidden) return;
    const news = await ask("live.json");
    showLive(news);
    if (version !== null && version !== news.version) {
      Object.assign(DATA, await ask("data.json"));
      render();
      say("New results");
    }
    version = news.version;
  } catch (error) {
    document.getElementById("live-state").textContent = `No answer from the server (${error.message}); trying again.`;
  } finally {
    setTimeout(follow, EVERY);
  }
}
