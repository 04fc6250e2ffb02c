// What the tests in a browser share: the program, a browser, and a look at a page as people see it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const require = createRequire(join(resolve(process.env.NODE_MODULES ?? "."), "x.js"));
const puppeteer = require("puppeteer-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

// A folder of its own, in which the program keeps everything.
export const place = mkdtempSync(join(tmpdir(), "console-"));

let faults = 0;
export const fault = (text) => { faults += 1; process.stdout.write(`FAULT ${text}\n`); };

export const until = async (what, is) => {
  for (let tries = 0; tries < 600; tries += 1) {
    // A page that loads itself anew meanwhile has not answered yet.
    const answer = (async () => is())().catch((error) => {
      if (!/context was destroyed|frame was detached/i.test(error.message)) throw error;
      return false;
    });
    if (await answer) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  assert.fail(`waited too long until ${what}`);
};

// A process of the program. `said()` is what it printed.
export const run = (program, words) => {
  const child = spawn(resolve(program), words, {
    cwd: place,
    env: { PATH: process.env.PATH, XDG_DATA_HOME: place, TZ: "UTC", USER: "eva", AMIO_TOKEN: "sandbox-token" },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => { said += text; });
  const ended = new Promise((done) => child.on("exit", done));
  return { child, ended, said: () => said };
};

// A process of the program that ends by itself, and well.
export const finish = async (program, words) => {
  const { ended, said } = run(program, words);
  assert.equal(await ended, 0, said());
};

export const launch = (chromium) => puppeteer.launch({
  executablePath: chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
  userDataDir: join(place, "profile"),
});

// A page whose script has no error. What a person types and presses is done by `fill` and `submit`.
export const open = async (context, origin) => {
  const page = await context.newPage();
  page.on("pageerror", (error) => fault(`the script: ${error.message}`));
  page.on("console", (message) => {
    // A console that is killed ends its connections; whether one was being used is chance.
    const expected = /status of (40[0-9]|429)|ERR_(CONNECTION|SOCKET|INCOMPLETE|EMPTY|NETWORK)/;
    if (message.type() === "error" && !expected.test(message.text())) fault(`the browser says: ${message.text()}`);
  });
  const go = (path) => page.goto(new URL(path, origin()).href, { waitUntil: "domcontentloaded" });
  const text = () => page.evaluate(() => document.querySelector("main").innerText);
  const submit = (selector) => Promise.all([page.waitForNavigation({ waitUntil: "domcontentloaded" }), page.click(selector)]);
  let seen = "";
  const sees = (what, pattern, selector = "main") => until(what, async () => {
    // It may be loading the page anew just now.
    seen = await page.evaluate((at) => document.querySelector(at)?.innerText ?? "", selector).catch(() => "");
    return pattern.test(seen);
  }).catch(() => assert.fail(`waited too long until ${what}: ${seen}`));
  return { page, go, text, submit, sees };
};

// Every page as people see it: at two widths, light and dark, without sideways scrolling, and without what axe-core finds.
export const looking = (folder, { page, go }) => {
  const pictures = resolve(folder);
  mkdirSync(pictures, { recursive: true });
  return async (name, path) => {
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
};

// Tells what was found, and leaves nothing behind.
export const conclude = () => {
  rmSync(place, { recursive: true, force: true, maxRetries: 5 });
  process.stdout.write(faults === 0 ? "the console is as it should be\n" : `${faults} faults\n`);
  process.exitCode = faults === 0 ? 0 : 1;
};
