// Follows a smoke run in a browser while it trains. Usage: node live.mjs FOLDER REPRODUCE
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import puppeteer from "puppeteer-core";

const folder = path.resolve(process.argv[2]);
const reproduce = path.resolve(process.argv[3]);
const runs = path.join(folder, "live-runs");
fs.rmSync(runs, { recursive: true, force: true });
fs.mkdirSync(runs, { recursive: true });
const axe = fs.readFileSync(path.join(folder, "node_modules/axe-core/axe.min.js"), "utf8");
const server = spawn(reproduce, ["report", "--serve", "127.0.0.1:0", "--out", runs]);
const address = await new Promise((found, lost) => {
  server.stderr.on("data", text => {
    const match = String(text).match(/http:\/\/\S+\//);
    if (match) found(match[0]);
  });
  server.on("exit", code => lost(new Error(`the server ended with ${code}`)));
});
const browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
let training = null;
try {
  const page = await browser.newPage();
  const problems = [];
  page.on("console", message => { if (["error", "warn"].includes(message.type())) problems.push(message.text()); });
  page.on("pageerror", error => problems.push(String(error)));
  page.on("request", request => { if (!request.url().startsWith(address)) problems.push(`request of ${request.url()}`); });
  await page.setViewport({ width: 1280, height: 1000 });
  await page.goto(address);
  await page.waitForFunction(() => document.getElementById("live-state").textContent.startsWith("Nothing is running"));
  training = spawn(reproduce, ["nin", "--scale", "smoke", "--quiet", "--threads", "1", "--out", runs]);
  const ended = new Promise(done => training.on("exit", done));
  await page.waitForSelector("#live-runs article", { timeout: 240_000 });
  // A chart is drawn when it comes near the screen.
  await page.waitForSelector("#live-chart .plot", { timeout: 240_000 });
  await page.$eval("#live-chart", node => node.scrollIntoView());
  await page.waitForSelector("#live-chart canvas", { timeout: 240_000 });
  const card = await page.$eval("#live-runs article", node => node.textContent);
  assert.match(card, /running|ended/);
  assert.match(card, /epoch\d+ of \d+/);
  await page.screenshot({ path: path.join(folder, "shots", "live.png") });
  await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(found.violations.filter(one => ["serious", "critical"].includes(one.impact)).map(one => one.id), []);
  // A run that is killed has no end in its log.
  await page.waitForFunction(() => document.querySelectorAll("#shown article").length > 0, { timeout: 400_000 });
  training.kill("SIGKILL");
  await ended;
  const outside = await (await fetch(`${address}files/..%2f..%2fCargo.toml`)).status;
  assert.equal(outside, 404);
  const posted = await fetch(`${address}live.json`, { method: "POST" });
  assert.equal(posted.status, 405);
  assert.deepEqual(problems, []);
  console.log("7 passed, 0 failed");
} finally {
  await browser.close();
  server.kill();
  training?.kill("SIGKILL");
}
