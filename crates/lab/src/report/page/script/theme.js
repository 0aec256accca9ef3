// Light or dark: as the system says, unless the switch says otherwise.

const THEMES = ["system", "light", "dark"];
const repaints = new Set();

function storedTheme() {
  try {
    const theme = localStorage.getItem("theme");
    return THEMES.includes(theme) ? theme : "system";
  } catch {
    return "system";
  }
}

function setTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // A page from a file may have no storage; the choice then lasts as long as the page.
  }
  for (const repaint of repaints) repaint();
}

function themeSwitch() {
  let theme = storedTheme();
  setTheme(theme);
  const button = el("button", { type: "button", id: "theme" });
  const show = () => { button.textContent = `Theme: ${theme}`; };
  button.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    setTheme(theme);
    show();
  });
  show();
  return button;
}

// The value of a color of the style sheet, for a canvas.
function color(name) {
  const probe = el("span", {});
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const repaint of repaints) repaint();
});
