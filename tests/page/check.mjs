// Opens the pages in Chromium and does what a reader does. Usage: node check.mjs FOLDER [FILE ...]
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const folder = path.resolve(process.argv[2]);
const shots = path.join(folder, "shots");
fs.mkdirSync(shots, { recursive: true });
const axe = fs.readFileSync(path.join(folder, "node_modules/axe-core/axe.min.js"), "utf8");
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--force-device-scale-factor=1"],
});
let checks = 0;

async function open(file, width, scheme) {
  const page = await browser.newPage();
  const problems = [];
  page.on("console", message => { if (["error", "warn"].includes(message.type())) problems.push(message.text()); });
  page.on("pageerror", error => problems.push(String(error)));
  page.on("request", request => {
    const url = request.url();
    if (!url.startsWith("data:") && url !== pathToFileURL(path.join(folder, file)).href) problems.push(`request of ${url}`);
  });
  await page.setViewport({ width, height: width < 600 ? 844 : 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(pathToFileURL(path.join(folder, file)).href);
  await page.waitForSelector("#shown");
  return { page, problems };
}

async function shot(page, name, fullPage = false) {
  await page.screenshot({ path: path.join(shots, `${name}.png`), fullPage });
}

async function accessible(page, where) {
  // The policy of the page lets no script in; the debugger is not bound by it.
  await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  const serious = found.violations.filter(one => ["serious", "critical"].includes(one.impact));
  const text = serious.map(one => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map(node => `${node.html} ${node.failureSummary}`).join("\n")}`);
  assert.deepEqual(text, [], where);
  checks++;
}

async function fits(page, where) {
  const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= screen, `${where}: ${wide} pixels wide on a screen of ${screen}`);
  checks++;
}

const text = (page, selector) => page.$eval(selector, node => node.textContent);
const settled = page => page.evaluate(() => new Promise(done => setTimeout(done, 250)));

async function filters(page) {
  const count = async () => (await page.$$("#shown article")).length;
  const all = await count();
  const papers = await page.$$eval("#filters select[name=paper] option", options => options.map(option => option.value));
  await page.select("#filters select[name=paper]", papers[1]);
  const some = await count();
  assert.ok(some > 0 && (some < all || all === 1), `filter by paper: ${some} of ${all}`);
  await page.select("#filters select[name=paper]", papers[0]);
  assert.equal(await count(), all);
  const sets = await page.$$eval("#filters select[name=dataset] option", options => options.map(option => option.textContent));
  await page.select("#filters select[name=dataset]", "1");
  const captions = await page.$$eval("#shown caption", nodes => nodes.map(node => node.textContent));
  assert.ok(captions.length > 0 && captions.every(caption => caption.startsWith(sets[1])), `filter by data set: ${captions}`);
  await page.select("#filters select[name=dataset]", "0");
  checks += 3;
}

async function curves(page, name) {
  const plot = await page.waitForSelector(".chart .plot");
  await plot.scrollIntoView();
  await page.waitForSelector(".chart .plot canvas");
  await settled(page);
  const box = await (await page.$(".chart .u-over")).boundingBox();
  const epoch = () => text(page, ".chart > .row output");
  assert.equal(await epoch(), "last epoch");
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await settled(page);
  const hovered = await epoch();
  assert.match(hovered, /^epoch \d+$/);
  await shot(page, `${name}-hover`);
  const before = await page.$eval(".chart .plot canvas", canvas => canvas.toDataURL());
  await page.mouse.move(box.x + box.width * 0.3, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + box.height - 20, { steps: 5 });
  await page.mouse.up();
  await settled(page);
  const zoomed = await page.$eval(".chart .plot canvas", canvas => canvas.toDataURL());
  assert.notEqual(zoomed, before, "dragging zooms");
  await shot(page, `${name}-zoom`);
  await page.mouse.move(0, 0);
  await plot.focus();
  await page.keyboard.press("Escape");
  await settled(page);
  await page.keyboard.press("ArrowRight");
  await settled(page);
  assert.match(await epoch(), /^epoch \d+$/, "arrow keys move");
  const buttons = await page.$$(".chart .tools button");
  for (const button of buttons.slice(1, 4)) await button.click();
  await settled(page);
  await shot(page, `${name}-log`);
  const row = await page.$(".chart .legend input");
  await row.click();
  await settled(page);
  assert.equal(await page.$eval(".chart .legend li output", node => node.textContent), "", "a row that is off shows no value");
  checks += 5;
}

async function pictures(page, name) {
  const button = await page.$(".gallery button");
  if (!button) return;
  await button.scrollIntoView();
  await button.click();
  await page.waitForSelector("dialog[open] .stage img");
  const sharp = await page.$eval("dialog[open] .stage img", node => getComputedStyle(node).imageRendering);
  assert.equal(sharp, "pixelated");
  await settled(page);
  await shot(page, `${name}-picture`);
  await accessible(page, `${name}: picture`);
  const fourfold = (await page.$$("dialog[open] .inside button"))[3];
  await fourfold.click();
  await settled(page);
  const [shown, natural] = await page.$eval("dialog[open] .stage img", node => [node.clientWidth, node.naturalWidth]);
  assert.equal(shown, 4 * natural);
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !document.querySelector("dialog"));
  checks += 2;
}

async function copying(page) {
  const copied = await page.evaluate(async () => {
    let text = null;
    Object.defineProperty(navigator, "clipboard", { configurable: true, value: { writeText: async value => { text = value; } } });
    document.querySelector(".command button").click();
    await new Promise(done => setTimeout(done, 50));
    return [text, document.querySelector(".command pre").textContent, document.querySelector(".command button").textContent];
  });
  assert.equal(copied[0], copied[1]);
  assert.equal(copied[2], "Copied");
  checks++;
}

async function comparing(page, name) {
  const details = await page.$$("#shown .actions button");
  for (const button of [details[0], details[1]]) {
    await button.scrollIntoView();
    await button.click();
    await page.waitForSelector("dialog[open]");
    if (button === details[0]) {
      await settled(page);
      await shot(page, `${name}-details`);
      await accessible(page, `${name}: details`);
    }
    const choose = await page.$("dialog[open] .inside > .row button");
    await choose.click();
    await page.waitForFunction(() => !document.querySelector("dialog"));
  }
  await page.waitForSelector("#compare table");
  await settled(page);
  await shot(page, `${name}-compare`);
  const first = await page.$$eval("#compare select", selects => selects.map(select => select.value));
  assert.ok(first[0] !== "" && first[1] !== "" && first[0] !== first[1], `two runs are chosen: ${first}`);
  checks++;
}

async function themes(page) {
  const back = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const button = await page.$("#theme");
  await page.evaluate(() => scrollTo(0, 0));
  const colors = [];
  for (let press = 0; press < 3; press++) {
    await button.click();
    colors.push(await back());
  }
  assert.notEqual(colors[0], colors[1], "light and dark differ");
  assert.ok(colors[2] === colors[0] || colors[2] === colors[1], "the third press follows the system again");
  checks++;
}

const files = process.argv.length > 3 ? process.argv.slice(3) : ["index.html", "hostile.html", "many.html"];
for (const file of files) {
  for (const [width, scheme] of [[390, "light"], [390, "dark"], [1440, "light"], [1440, "dark"]]) {
    const name = `${path.basename(file, ".html")}-${width}-${scheme}`;
    const begun = performance.now();
    const { page, problems } = await open(file, width, scheme);
    const took = performance.now() - begun;
    assert.ok(took < 5000, `${name} took ${took.toFixed(0)} ms to open`);
    await settled(page);
    await shot(page, name);
    await fits(page, name);
    await accessible(page, name);
    if (file === "hostile.html") assert.ok((await page.title()).startsWith("Results </title>"), await page.title());
    await filters(page);
    if (file !== "index.html" || (await page.$(".chart"))) await curves(page, name);
    await pictures(page, name);
    await copying(page);
    await comparing(page, name);
    await accessible(page, `${name} at the end`);
    await fits(page, `${name} at the end`);
    await themes(page);
    await page.evaluate(() => scrollTo(0, 0));
    if (file !== "many.html") await shot(page, `${name}-whole`, true);
    assert.deepEqual(problems, [], name);
    checks++;
    await page.close();
    console.log(`${name}: opened in ${took.toFixed(0)} ms`);
  }
  const { page } = await open(file, 1024, "dark");
  await page.pdf({ path: path.join(shots, `${path.basename(file, ".html")}.pdf`) });
  await page.close();
}
await browser.close();
console.log(`${checks} passed, 0 failed`);
