// The console in a real browser: the whole way from a dropped workbook to its results, a second person who watches, and
// every page at two widths, light and dark: nothing to be scrolled sideways, and nothing that axe-core finds.
//
//     node console.mjs PROGRAM LIST FOLDER [CHROMIUM]
//
// Pictures of the pages go to FOLDER.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";

import { conclude, fault, launch, looking, open, place, run, until } from "./common.mjs";

const [program, list, folder, chromium = "/usr/bin/chromium"] = process.argv.slice(2);
const served = run(program, ["console", "--sandbox", "--listen", "127.0.0.1:0", "--region", "CZ"]);
const link = () => served.said().match(/http:\S+key=\w+/g)?.at(-1);
await until("the console listens", () => link());
const browser = await launch(chromium);

try {
  const opened = await open(browser, link);
  const { page, go, text, submit } = opened;
  const look = looking(folder, opened);

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
  // Numbers are mended on the page, one by one and all of a kind, and the list is read with them.
  const before = (await text()).match(/([\d,]+) (person|people) of/)[1];
  await page.type("input[name='number.0.6']", "+420 777 000 009");
  await submit("form:has(input[name='number.0.6']) button:not([name])");
  assert.match(await text(), /1 number given/);
  assert.equal(Number((await text()).match(/([\d,]+) (person|people) of/)[1]), Number(before) + 1);
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
} catch (error) {
  fault(`${error.stack}\n${served.said().split("\n").slice(-5).join("\n")}`);
} finally {
  await browser.close();
  served.child.kill();
  await served.ended;
  conclude();
}
