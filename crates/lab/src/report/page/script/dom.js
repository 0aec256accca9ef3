// Elements from data: text is always a text node, so nothing in a record is taken for markup.

// Characters that turn the direction of the text around them, and control characters, are shown as a mark.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

function parse(text) {
  return JSON.parse(text, (_, value) => typeof value === "string" ? value.replace(UNSEEN, "\ufffd") : value);
}

const DATA = parse(document.getElementById("data").textContent);
const SERVED = document.body.dataset.mode === "served";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name === "on") {
      for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    } else if (value === true) {
      node.setAttribute(name, "");
    } else if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(name, value);
    }
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) node.append(child);
  }
  return node;
}

function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

// As in the tables of the terminal and the documents.
function number(value) {
  if (typeof value !== "number") return "no number";
  const size = Math.abs(value);
  if (size >= 1000) return value.toFixed(0);
  if (size >= 0.0995 || size === 0) return value.toFixed(2);
  if (size >= 0.00995) return value.toFixed(4);
  if (size >= 0.000995) return value.toFixed(5);
  if (size >= 0.0000995) return value.toFixed(6);
  return value.toExponential(2);
}

// A number and the spread around it, with as many decimals where that leaves something of the spread.
function withSpread(value, spread) {
  const alike = Math.abs(value) >= 0.0995 && spread >= 0.005 && spread < 1000;
  return `${number(value)} ± ${alike ? spread.toFixed(2) : number(spread)}`;
}

function grouped(value) {
  return typeof value === "number" ? value.toLocaleString("en-US") : "-";
}

function duration(seconds) {
  if (typeof seconds !== "number" || seconds < 0) return "-";
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [s, m, h, d] = [whole % 60, Math.floor(whole / 60) % 60, Math.floor(whole / 3600) % 24, Math.floor(whole / 86400)];
  if (whole < 60) return `${s} s`;
  if (whole < 3600) return `${m} min ${s} s`;
  if (whole < 86400) return `${h} h ${m} min`;
  return `${d} d ${h} h`;
}

function unique(values) {
  return [...new Set(values)];
}

// "mnist (60000 training and 10000 test images)" is about mnist.
function setName(dataset) {
  return dataset.split(" (")[0] || "(no name)";
}

function counted(count, one, many) {
  return `${count} ${count === 1 ? one : many}`;
}

let nextId = 0;
function freshId() {
  return `e${nextId++}`;
}

// Tells a screen reader, without moving anything on the screen.
function say(text) {
  document.getElementById("said").textContent = text;
}

async function copy(text, button) {
  const done = await writeClipboard(text);
  const label = button.textContent;
  button.textContent = done ? "Copied" : "Press Ctrl+C";
  say(done ? "Copied" : "Select the text and press Ctrl+C");
  setTimeout(() => { button.textContent = label; }, 1500);
}

async function writeClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // A page from a file may not have the clipboard; the older way needs a selection.
    const area = el("textarea", { "aria-hidden": "true", class: "unseen" });
    area.value = text;
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

function commandLine(command) {
  const id = freshId();
  const button = el("button", { type: "button", "aria-describedby": id }, "Copy");
  button.addEventListener("click", () => copy(command, button));
  return el("div", { class: "command" }, el("pre", { id }, command), button);
}

// A dialog that closes by its button, by Escape, and by a click beside it.
function dialog(title, kind, ...content) {
  const id = freshId();
  const close = el("button", { type: "button", on: { click: () => box.close() } }, "Close");
  const bar = el("div", { class: "bar" }, el("h2", { id, class: "dialog-title" }, title), close);
  const box = el("dialog", { "aria-labelledby": id, class: kind }, bar, ...content);
  box.addEventListener("click", event => { if (event.target === box) box.close(); });
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
  return box;
}
