// The console in a real browser: the whole way from a dropped workbook to its results, a second person who watches, and
// every page at two widths, light and dark: nothing to be scrolled sideways, and nothing that axe-core finds.
//
//     node console.mjs PROGRAM LIST FOLDER [CHROMIUM]
//
// Pictures of the pages go to FOLDER.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const [program, list, folder, chromium = "/usr/bin/chromium"] = process.argv.slice(2);
const require = createRequire(join(resolve(process.env.NODE_MODULES ?? "."), "x.js"));
const puppeteer = require("puppeteer-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const place = mkdtempSync(join(tmpdir(), "console-"));
const pictures = resolve(folder);
mkdirSync(pictures, { recursive: true });
const console_ = spawn(resolve(program), ["console", "--sandbox", "--listen", "127.0.0.1:0", "--region", "CZ"], {
  cwd: place,
  env: { PATH: process.env.PATH, XDG_DATA_HOME: place, TZ: "UTC", USER: "eva" },
});
let said = "";
for (const stream of [console_.stdout, console_.stderr]) stream.on("data", (text) => { said += text; });
const until = async (what, is) => {
  for (let tries = 0; tries < 600; tries += 1) {
    if (await is()) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  assert.fail(`waited too long until ${what}: ${said}`);
};
const link = () => said.match(/http:\S+key=\w+/g)?.at(-1);
await until("the console listens", () => link());

const browser = await puppeteer.launch({
  executablePath: chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
  userDataDir: join(place, "profile"),
});
let faults = 0;
const fault = (text) => { faults += 1; process.stdout.write(`FAULT ${text}\n`); };

try {
  const page = await browser.newPage();
  page.on("pageerror", (error) => fault(`the script: ${error.message}`));
  page.on("console", (message) => { if (message.type() === "error" && !/status of 40[14]/.test(message.text())) fault(`the browser says: ${message.text()}`); });
  const go = (path) => page.goto(new URL(path, link()).href, { waitUntil: "domcontentloaded" });
  const text = () => page.evaluate(() => document.querySelector("main").innerText);
  const submit = (selector) => Promise.all([page.waitForNavigation({ waitUntil: "domcontentloaded" }), page.click(selector)]);

  // Every page as people see it.
  const look = async (name, path) => {
    for (const width of [360, 1280]) {
      for (const scheme of ["light", "dark"]) {
        await page.setViewport({ width, height: 900 });
        await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }, { name: "prefers-reduced-motion", value: "reduce" }]);
        if (path) await go(path);
        await page.evaluate(() => { for (const it of document.querySelectorAll("details")) it.open = true; });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        if (wide > 0) fault(`${name} at ${width}: ${wide} pixels to be scrolled sideways`);
        await page.evaluate(axe);
        const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
        for (const it of found.violations) {
          fault(`${name} at ${width}, ${scheme}: ${it.id}: ${it.nodes.map((node) => node.html).slice(0, 3).join(" | ")}`);
        }
        await page.screenshot({ path: join(pictures, `${name}-${width}-${scheme}.png`), fullPage: true });
      }
    }
    const html = await page.content();
    if (html.length > 100_000) fault(`${name}: ${html.length} bytes`);
    await page.setViewport({ width: 1280, height: 900 });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
  };

  await go("/");
  assert.match(await text(), /Open the link/);
  await look("sign-in");
  await go(link());
  await look("home-empty", "/");

  // A list is dropped, as a person drops it.
  const drop = await page.$(".drop");
  const input = await page.$("#file");
  await input.uploadFile(resolve(list));
  await submit(".drop button");
  assert.match(await text(), /would be messaged/);
  const listed = new URL(page.url()).pathname;
  assert.ok(drop);
  await look("list");
  await go(`${listed}/message`);
  await look("message-empty");
  await page.focus("#message");
  await page.keyboard.type("Hello {{ ");
  await page.evaluate(() => { document.querySelector("#message").value = "Hello "; });
  await page.click("[data-insert*=name]");
  await page.keyboard.type(", your order is ready.");
  await until("the preview follows what is typed", async () => /Hello \S+.*, your order is ready/.test(await page.$eval("#preview", (it) => it.innerText)));
  await submit("form[data-preview] > button");
  assert.match(await text(), /would be messaged/);
  await look("message");
  await submit("button[name=how][value=send]");
  const batch = new URL(page.url()).pathname;
  assert.match(await text(), /Type the number of people to confirm/);
  await look("batch-draft");

  // Somebody else watches.
  const other = await browser.newPage();
  await other.goto(new URL(batch, link()).href, { waitUntil: "domcontentloaded" });
  await page.bringToFront();
  const people = (await text()).match(/([\d,]+) (people have|person has) not been messaged/)[1];
  await page.type("#people", people);
  await submit("section.go button");
  await until("the batch is complete", async () => { await go(batch); return /complete/.test(await text()); });
  await until("the other one sees it", async () => {
    const seen = other.evaluate(() => document.querySelector("#live").innerText);
    // It may be loading the page anew just now.
    return /complete/i.test(await seen.catch(() => ""));
  });
  await other.close();
  await look("report", `${batch}/report`);
  await look("batch", batch);
  const downloads = join(place, "downloads");
  const client = await page.createCDPSession();
  await client.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: downloads });
  await page.click("a[href*='what=results'][href$=xlsx]");
  await until("the results are there", () => { try { return readdirSync(downloads).some((it) => it.endsWith(".xlsx")); } catch { return false; } });

  await look("home", "/");
  await look("people-empty", "/people");
  await look("people", "/people?number=%2B420777000001");
  await look("suppression-empty", "/suppression");
  await go("/suppression");
  await page.type("#numbers", "+420777000001\n+420777000002");
  await page.type("#reason", "asked by telephone");
  await submit("form[action='/suppression'] button:not(.second)");
  await look("suppression", "/suppression");
  await look("health", "/health");
  await look("not-found", "/nowhere");

  // By keyboard alone: the first stop skips to the page.
  await go("/");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
} finally {
  await browser.close();
  console_.kill();
  rmSync(place, { recursive: true, force: true, maxRetries: 5 });
}
process.stdout.write(faults === 0 ? "the console is as it should be\n" : `${faults} faults\n`);
process.exitCode = faults === 0 ? 0 : 1;
