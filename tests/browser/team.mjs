// The console of a team in a real browser: users sign in with passwords, a wrong one slows that down, each sees what the
// role may, one prepares and another starts, a third watches live, the console is killed in the middle and the page finds
// back by itself, and who signs out is out. The API is the sandbox; its quota is drawn.
//
//     node team.mjs PROGRAM FOLDER [CHROMIUM]
//
// Pictures of the pages go to FOLDER.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

import { conclude, fault, finish, launch, looking, open, place, run, until } from "./common.mjs";

const [program, folder, chromium = "/usr/bin/chromium"] = process.argv.slice(2);
const PASSWORD = "correct horse battery";
const PEOPLE = 900;
// So slow that the batch cannot end while it is looked at, however slow the machine is.
const SLOW = "1/s";
const FAST = "100/s";

writeFileSync(join(place, "password"), PASSWORD);
const rows = Array.from({ length: PEOPLE }, (_, at) => `+420777${String(at).padStart(6, "0")},Name${at}`);
writeFileSync(join(place, "may.csv"), `phone,first_name\n${rows.join("\n")}\n77712,Petr\n`);
for (const [name, role] of [["vera", "viewer"], ["otto", "operator"], ["olga", "operator"], ["ada", "admin"]]) {
  await finish(program, ["console", "user", "add", name, "--role", role, "--password-file", "password"]);
}

const free = () => new Promise((done) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => done(port));
  });
});
const origin = `http://127.0.0.1:${await free()}`;
const sandbox = run(program, ["sandbox", "--listen", "127.0.0.1:0", "--no-messenger", "0%", "--quota", "1000"]);
await until("the sandbox listens", () => /http:\S+/.test(sandbox.said()));
const serve = async (rate) => {
  const served = run(program, ["console", "--listen", origin.slice("http://".length), "--base-url",
    sandbox.said().match(/http:\S+/)[0], "--channel", "7001200300400500601", "--rate", rate, "--burst", "1"]);
  await until("the console listens", () => /sign-in/.test(served.said()));
  return served;
};
let served = await serve(SLOW);
const browser = await launch(chromium);

// Somebody with a browser of their own.
const user = async () => open(await browser.createBrowserContext(), () => origin);
const signIn = async (who, name, password = PASSWORD) => {
  await who.go("/sign-in");
  await who.page.type("#name", name);
  await who.page.type("#password", password);
  await who.submit("main form button");
};
const forms = (who) => who.page.$$eval("main form[method=post]", (all) => all.map((it) => it.getAttribute("action")));
const downloads = (who) => who.page.$$eval("main a[href*=download], main a[href*=export]", (all) => all.length);

try {
  const [otto, olga, vera, ada] = [await user(), await user(), await user(), await user()];

  // In, and not in.
  await vera.go("/");
  assert.match(await vera.text(), /Sign in/);
  const look = looking(folder, vera);
  await look("team-sign-in", "/sign-in");
  // Each failure doubles the wait, so that a slow machine comes to it too.
  await until("wrong passwords are slowed", async () => {
    await signIn(vera, "vera", "wrong password");
    return /Try again in/.test(await vera.text());
  });
  await look("team-slowed");
  await signIn(otto, "otto");
  assert.match(await otto.text(), /Begin with a list/, "others are not slowed");
  await until("the right one is let in after the wait", async () => {
    await signIn(vera, "vera");
    return !/Try again in/.test(await vera.text());
  });

  // Two people: one prepares, another starts.
  await signIn(ada, "ada");
  await ada.go("/health");
  await ada.submit("form[action='/approval'] button");
  assert.match(await ada.text(), /another person/);
  await (await otto.page.$("#file")).uploadFile(join(place, "may.csv"));
  await otto.submit(".drop button");
  await otto.go(`${new URL(otto.page.url()).pathname}/message`);
  await otto.page.type("#message", "Hello {{ first_name }}");
  await otto.submit("form[data-preview] > button");
  await otto.submit("button[name=how][value=send]");
  const batch = new URL(otto.page.url()).pathname;
  assert.match(await otto.text(), /Another person starts it/);
  assert.equal(await otto.page.$("#people"), null);

  // A viewer watches, before and while it is sent: no form, no download, no number.
  await vera.go(batch);
  assert.deepEqual([await forms(vera), await downloads(vera)], [[], 0]);
  await signIn(olga, "olga");
  await olga.go(batch);
  await olga.page.type("#people", String(PEOPLE));
  await olga.submit("section.go button");
  await vera.sees("the viewer sees it run without a reload", /running|waiting/i, "#live");
  await vera.sees("the quota is drawn", /requests left/, "#quota");
  await olga.go(batch);
  const looks = looking(folder, olga);
  await looks("team-running", batch);
  await looks("team-health", "/health");

  // Killed in the middle: both pages find back by themselves, and nobody is messaged twice.
  await olga.go(batch);
  served.child.kill("SIGKILL");
  await served.ended;
  served = await serve(SLOW);
  await olga.sees("who works sees that it was interrupted", /interrupted/i, "#live");
  await vera.sees("who watches too", /interrupted/i, "#live");
  await olga.sees("what goes on stands there", /Go on/);
  assert.match(await olga.text(), /will not be messaged again/);
  const left = (await olga.text()).match(/([\d,]+) (people have|person has) not been messaged/)[1];
  await olga.page.type("#people", left);
  await olga.submit("section.go button");
  await vera.sees("it goes on", /running|waiting/i, "#live");

  // Another one pauses it, the console is started anew with another rate, and it goes on.
  await otto.go(batch);
  await otto.submit(`form[action='${batch}/pause'] button`);
  await vera.sees("the pause is seen", /paused/i, "#live");
  served.child.kill();
  await served.ended;
  served = await serve(FAST);
  await otto.go(batch);
  const rest = (await otto.text()).match(/([\d,]+) (people have|person has) not been messaged/)[1];
  await otto.page.type("#people", rest);
  await otto.submit("section.go button");
  await vera.sees("all were messaged", /complete/i, "#live");
  const accepted = await (await fetch(sandbox.said().match(/http:\/\/[^/]+/)[0] + "/sandbox/accepted")).text();
  const counts = accepted.trim().split("\n").map((line) => JSON.parse(line).count);
  if (counts.some((count) => count !== 1)) fault(`somebody was messaged twice: ${accepted}`);

  // What each may see and do.
  for (const path of [batch, "/", "/health", "/suppression", "/people?number=%2B420777000001"]) {
    await vera.go(path);
    const text = await vera.text();
    assert.deepEqual([await forms(vera), await downloads(vera)], [[], 0], path);
    assert.doesNotMatch(text, /420\s?777\s?000\s?001/, path);
  }
  await look("team-viewer", batch);
  await look("team-viewer-person", "/people?number=%2B420777000001");
  await otto.go("/people?number=%2B420777000001");
  const may = await forms(otto);
  assert.ok(may.includes("/people/suppress") && !may.includes("/people/forget"), may.join());
  await ada.go("/people?number=%2B420777000001");
  assert.ok((await forms(ada)).includes("/people/forget"));
  await ada.go(batch);
  for (const line of [/otto/, /olga/, /start/]) assert.match(await ada.text(), line);
  await looking(folder, ada)("team-batch", batch);

  // Out: of this browser, and at once where a user is removed. Her page may have been loading when the console was stopped.
  await olga.go(batch);
  await olga.submit("header form button");
  await olga.go(batch);
  assert.match(await olga.text(), /Sign in/);
  await finish(program, ["console", "user", "remove", "vera"]);
  await vera.go("/");
  assert.match(await vera.text(), /Sign in/);
  await ada.go("/health");
  assert.match(await ada.text(), /user-remove: vera/);
} catch (error) {
  fault(`${error.stack}\n${served.said().split("\n").slice(-5).join("\n")}`);
} finally {
  await browser.close();
  for (const it of [served, sandbox]) {
    it.child.kill();
    await it.ended;
  }
  conclude();
}
