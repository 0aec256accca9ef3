// Pictures: small in a gallery, and large with their pixels kept sharp.

function gallery(figures) {
  if (figures.length === 0) return null;
  return el("div", { class: "gallery" }, figures.map((figure, at) => figure.source
    ? el("figure", {},
      el("button", { type: "button", "aria-label": `Enlarge: ${figure.caption}`, on: { click: () => enlarge(figures, at) } },
        el("img", { src: figure.source, alt: figure.caption, width: figure.width, height: figure.height, loading: "lazy" })),
      el("figcaption", {}, figure.caption))
    : el("figure", {}, el("figcaption", {}, `${figure.caption}: too large for this page, see ${figure.file}`))));
}

const ZOOMS = [["Fit", null], ["1×", 1], ["2×", 2], ["4×", 4], ["8×", 8]];

function enlarge(all, first) {
  const figures = all.filter(figure => figure.source);
  let at = figures.indexOf(all[first]);
  let zoom = null;
  const image = el("img", {});
  const stage = el("div", { class: "stage", tabindex: "0", role: "group", "aria-label": "Picture" }, image);
  const buttons = ZOOMS.map(([text, factor]) => el("button", { type: "button", on: { click: () => { zoom = factor; show(); } } }, text));
  const caption = el("p", { class: "soft" });

  function show() {
    const figure = figures[at];
    image.src = figure.source;
    image.alt = figure.caption;
    caption.textContent = `${figure.caption} (${figure.width} × ${figure.height})`;
    stage.classList.toggle("fit", zoom === null);
    image.style.width = zoom === null ? "" : `${figure.width * zoom / devicePixelRatio}px`;
    image.style.height = zoom === null ? "" : `${figure.height * zoom / devicePixelRatio}px`;
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(ZOOMS[index][1] === zoom)));
  }

  function step(by) {
    at = (at + by + figures.length) % figures.length;
    show();
    say(figures[at].caption);
  }

  const turn = figures.length > 1 && [
    el("button", { type: "button", on: { click: () => step(-1) } }, "Previous"),
    el("button", { type: "button", on: { click: () => step(1) } }, "Next"),
  ];
  const bar = el("div", { class: "inside row" }, buttons, turn, caption);
  const box = dialog("Picture", "viewer", bar, stage);
  box.addEventListener("keydown", event => {
    if (figures.length < 2 || zoom !== null) return;
    if (event.key === "ArrowRight") step(1);
    if (event.key === "ArrowLeft") step(-1);
  });
  show();
}
