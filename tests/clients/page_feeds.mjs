// The page on all three systems: cards of spaces and of MIOSA's things, a conversation, a terminal, a log.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { control, launch, open, shoot, until } from "./browser.mjs";

const [url, moot, miosa, sandbox, build, run] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SPACE = "a:b@c %25";
const browser = await launch();
const page = await open(browser, url, { colorScheme: "light" });

async function step(name, act) {
  try {
    await act();
  } catch (error) {
    await shoot(page, "page-feeds-failed");
    console.log(page.url(), "faults:", page.faults);
    error.message = `${name}: ${error.message}`;
    throw error;
  }
  console.log("ok", name);
}

async function accessible(where) {
  await page.evaluate(axe);
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const found = await page.evaluate((values) => window.axe.run("html", { runOnly: { type: "tag", values } }), tags);
  assert.deepEqual(found.violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + n.failureSummary).join(" | ")}`), [], where);
}

const card = (text) => page.locator(".now-card", { hasText: text }).first();
const says = (events) => control(moot, `/spaces/${encodeURIComponent(SPACE)}/events`, { events });
const does = (feed, ...events) => control(miosa, `/feeds/${encodeURIComponent(feed)}/events`, { events: events.map(([name, data]) => ({ name, data })) });
const home = async () => {
  await page.keyboard.press("Escape");
  await page.locator("#now").waitFor();
};

let said = [];
await step("every feed of every system has its card", async () => {
  said = (await says([
    { text: "Totals are off by a cent.", speaker: "ana", messageType: "bug", thread: "thr_1" },
    { text: "On it.\n\n```python\ntotal = sum(lines)\n```", speaker: "builder", messageType: "code_share", thread: "thr_1" },
  ])).ids;
  await does(`sandbox:${sandbox}`, ["sandbox.exec.started", { exec_id: "1", command: "npm test" }], ["sandbox.exec.stdout", { exec_id: "1", line: "214 tests passed" }]);
  await does(`build:${build}`, ["log", { line: "layer 1" }], ["log", { line: "layer 2" }]);
  await until("the space speaks", async () => /builder: On it\./.test(await card("Rounding").textContent()));
  const space = await card("Rounding").textContent();
  assert.match(space, /running/);
  assert.match(space, /space · active/);
  assert.match(space, /1 bug, 1 code_share · 1 thread · 2 events/);
  await until("the sandbox works", async () => /npm test/.test(await card(sandbox.slice(0, 8)).textContent()));
  const box = await card(sandbox.slice(0, 8)).textContent();
  assert.match(box, /running/);
  assert.match(box, /sandbox/);
  assert.match(box, /214 tests passed/);
  await until("the build prints", async () => /layer 2/.test(await card(build.slice(0, 8)).textContent()));
  assert.match(await card(run.slice(0, 8)).textContent(), /streaming/, "a run of Mogplex keeps its own words");
  assert.equal(await page.locator(".now-card", { hasText: "tenant" }).count(), 2, "one of each account");
  assert.match(await card("tenant").textContent(), /live/);
  assert.equal(await page.textContent("#runs-title"), "Feeds");
  // An id without a kind is a run's, so the account of runs is the one that is offered.
  assert.equal(await page.inputValue("#follow-account"), "default");
});

await step("cards are sifted by kind and found by who speaks", async () => {
  await page.selectOption("#now-bar [name=kind]", "space");
  await until("only the space", async () => (await page.locator(".now-card").count()) === 1);
  await page.selectOption("#now-bar [name=kind]", "");
  await page.fill("#now-bar [name=find]", "builder");
  await until("its speaker", async () => (await page.locator(".now-card").count()) === 1);
  await page.fill("#now-bar [name=find]", "");
});

await step("no rule of WCAG is broken by cards", async () => {
  await shoot(page, "page-feeds");
  await accessible("cards");
});

await step("a space reads as a conversation, live", async () => {
  await card("Rounding").click();
  const first = page.locator(".block.talk").first();
  await first.waitFor();
  assert.match(await first.textContent(), /ana\s*bug\s*thread thr_1/);
  assert.equal(await page.locator(".block.talk .speech .code").count(), 1, "code is code");
  await says([{ text: "Thanks **all**", speaker: "ana", parent: said[1] }]);
  const answer = page.locator(".block.talk", { hasText: "Thanks" });
  await answer.waitFor();
  assert.match(await answer.textContent(), /↳ answers builder: On it\./);
  assert.equal(await answer.locator("strong").textContent(), "all");
  await answer.locator(".answers").click();
  assert.match(await page.textContent("#detail"), /moot/);
  assert.match(await page.textContent("#detail"), /3 messages|messages/);
  assert.equal(new URLSearchParams(new URL(page.url()).hash.slice(1)).get("run"), `space:${encodeURIComponent(SPACE)}`);
  await accessible("conversation");
  await shoot(page, "page-space");
});

await step("its events alone are in the table, and its address opens it again", async () => {
  await page.click("#view-events");
  await until("rows", async () => (await page.locator(".event:not([hidden])").count()) >= 3);
  const kinds = await page.locator(".event:not([hidden]) .word").allTextContents();
  assert.ok(kinds.every((kind) => kind.startsWith("space ")), kinds.join());
  await page.reload();
  await until("again", async () => (await page.locator(".event:not([hidden])").count()) >= 3);
  await home();
});

await step("a sandbox is a terminal: command, output, exit code", async () => {
  await card(sandbox.slice(0, 8)).click();
  const shell = page.locator(".block.tool", { hasText: "npm test" });
  await shell.waitFor();
  assert.match(await shell.textContent(), /214 tests passed/, "it is open");
  await does(`sandbox:${sandbox}`, ["sandbox.exec.stderr", { exec_id: "1", line: "\u001b[31m1 failed\u001b[0m" }], ["sandbox.exec.completed", { exec_id: "1", exit_code: 3, duration_ms: 5210 }]);
  await until("its end", async () => /exit 3/.test(await shell.textContent()));
  assert.match(await shell.textContent(), /1 failed/);
  await does(`sandbox:${sandbox}`, ["sandbox.exec.started", { exec_id: "2", command: "true" }], ["sandbox.exec.completed", { exec_id: "2", exit_code: 0, duration_ms: 10 }]);
  await until("a good end too", async () => /exit 0/.test(await page.locator(".block.tool").last().textContent()));
  await accessible("terminal");
  await shoot(page, "page-sandbox");
  await home();
  await until("the card has its exit code", async () => /exit 0/.test(await card(sandbox.slice(0, 8)).textContent()));
});

await step("a build is a log", async () => {
  await card(build.slice(0, 8)).click();
  await until("its lines together", async () => /layer 1\s+layer 2/.test(await page.locator(".block.log").first().textContent()));
  await does(`build:${build}`, ["log", { line: "layer 3" }]);
  await until("it goes on", async () => /layer 3/.test(await page.locator(".block.log").last().textContent()));
  await home();
});

await step("the tenants of two accounts are two feeds", async () => {
  for (const [account, other] of [["cloud", "twin"], ["twin", "cloud"]]) {
    await page.goto(`${url}/#run=tenant:tenant@${account}`);
    await until("its account", async () => (await page.locator("#detail dd", { hasText: account }).count()) === 1);
    assert.equal(await page.locator("#detail dd", { hasText: other }).count(), 0);
  }
  await home();
});

await step("what somebody says does nothing to the page", async () => {
  const harm = `<img src=x onerror="document.title='taken'"> [x](javascript:alert(1)) \u202etxt`;
  await says([{ text: harm, speaker: "eve", raw: { speaker_name: harm, metadata: { message_type: "x".repeat(64) } }, thread: harm, parent: harm }]);
  await does(`sandbox:${sandbox}`, ["sandbox.exec.started", { exec_id: harm, command: harm }], ["sandbox.exec.stdout", { exec_id: harm, line: harm }]);
  await until("on its card", async () => /<img src=x/.test(await card("Rounding").textContent()));
  await shoot(page, "page-feeds-hostile");
  await card("Rounding").click();
  const talk = page.locator(".block.talk").last();
  await until("as text", async () => /‹U\+202E›/.test(await talk.textContent()));
  assert.equal(await page.locator("#timeline :is(img, script, iframe)").count(), 0);
  assert.equal(await talk.locator("a").count(), 0);
  assert.doesNotMatch(await page.title(), /^taken/);
});

assert.deepEqual(page.faults, []);
await browser.close();
