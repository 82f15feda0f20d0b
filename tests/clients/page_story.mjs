// A run read as a story, by mouse, keyboard, phone and screen reader.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { control, launch, open, settled, shoot, until } from "./browser.mjs";
import { World } from "./story_world.mjs";

const [url, sim] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await launch();
const world = new World(sim, url);
let page;

async function step(name, act) {
  const begun = Date.now();
  try {
    await act();
  } catch (error) {
    if (page) await shoot(page, "story-failed");
    console.log("faults:", page?.faults);
    error.message = `${name}: ${error.message}`;
    throw error;
  }
  console.log("ok", name, Date.now() - begun, "ms");
}

async function accessible(where, part = "html") {
  await page.evaluate(axe);
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const found = await page.evaluate(([values, of]) => window.axe.run(of, { runOnly: { type: "tag", values } }), [tags, part]);
  const faults = found.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + " " + n.failureSummary).join(" | ")}`);
  assert.deepEqual(faults, [], where);
}

const block = (text) => page.locator(".block", { hasText: text });
const follows = () => page.getAttribute("#story-follow", "aria-pressed");

// One run that fails, one that goes on.
const bad = await world.run();
const good = await world.run();
const output = Array.from({ length: 60 }, (_, n) => `tests/test_${n}.py \u001b[31mFAILED\u001b[0m`).join("\n").slice(0, 1900);
await world.add(bad, world.prompt("Upgrade the HTTP client to the next major version.\nKeep the old API."));
await world.add(bad, world.say("Let me read **the notes** "), world.say("first.\n\n- one\n- two\n\n```py\nprint(1)\n```"));
await world.add(bad, ...world.tool("pytest -q tests/clients", "error", { output, exitCode: 1 }));
await world.add(bad, ...world.tool("app/base.py", "success", { message: "Edited app/base.py (+17 -5)" }, "edit_file"));
await world.add(bad, ...world.tool("git diff", "success", { output: "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new" }));
await world.add(bad, world.say("I set password = 'Amb"));
await world.add(bad, world.say("er5528xQ9' there."));
await control(sim, `/runs/${bad}/finish`, { status: "failed", error: "Sandbox ran out of memory (exit 137)", gap_s: 0 });
await world.add(good, world.prompt("Make the report go out once."));
for (let n = 0; n < 60; n++) await world.add(good, world.say(`Sentence ${n}. `), ...world.tool(`step ${n}`, "success", { output: "ok" }));
await world.add(good, world.begin("open", "pytest -q"));

page = await open(browser, url, { colorScheme: "light" });

await step("now: a card for each active run, then what failed, with its reason", async () => {
  const cards = page.locator(".now-card");
  await until("both", async () => (await cards.count()) === 2);
  await until("failed", async () => (await page.locator("#now-groups h3").allTextContents()).join().includes("Failed"));
  await page.fill("#now-bar [name=find]", bad.slice(0, 8));
  await until("one", async () => (await cards.count()) === 1);
  await page.fill("#now-bar [name=find]", "nothing like this");
  await page.getByText("No run matches.").waitFor();
  await page.fill("#now-bar [name=find]", "");
  await accessible("now");
  await shoot(page, "story-now");
});

await step("a run reads as a story, oldest first, its end with the reason", async () => {
  await page.locator(`.now-card[data-run="${bad}"]`).click();
  await page.locator(".block.end").waitFor();
  assert.match(await page.textContent(".block.end"), /failed after .*Sandbox ran out of memory \(exit 137\)/);
  assert.match(await page.textContent(".block.end"), /3 tool calls, 1 failed/);
  assert.equal(await page.locator(".block.tool").count(), 3, "one row for each call");
  assert.equal(await page.locator(".block .speech strong").textContent(), "the notes");
  assert.equal(await page.locator(".block .speech li").count(), 2);
  assert.match(await page.locator(".block .speech .code").textContent(), /print\(1\)/);
  const order = await page.locator(".block").evaluateAll((all) => all.sort((a, b) => a.top - b.top).map((one) => one.className.split(" ")[1]));
  assert.deepEqual([order[0], order.at(-1)], ["note", "end"].includes(order[0]) ? [order[0], "end"] : ["begin", "end"]);
  assert.match(await page.textContent("#detail"), /Sandbox ran out of memory/);
  assert.match(await page.textContent("#detail h2"), /Upgrade the HTTP client/);
  await accessible("a failed run");
  await shoot(page, "story-failed-run");
});

await step("a secret that came in two fragments is in no piece of the story", async () => {
  await block("I set password").first().waitFor();
  assert.match(await block("I set password").first().textContent(), /' there\./);
  assert.doesNotMatch(await page.content(), /er5528/);
});

await step("a failure stands open at its last lines, a success is folded", async () => {
  const failed = block("pytest -q tests/clients").first();
  await failed.locator(".out .a-ink1").first().waitFor();
  assert.match(await failed.textContent(), /lines before/);
  const edit = page.locator(".block.tool", { hasText: "edit_file" });
  assert.match(await edit.locator(".verdict").textContent(), /\+17−5/);
  assert.equal(await edit.locator(".tool-head").getAttribute("aria-expanded"), "false");
  await page.locator(".block.tool", { hasText: "git diff" }).locator(".tool-head").click();
  await page.locator(".out .d-add").first().waitFor();
  await failed.getByRole("button", { name: /Show all/ }).click();
  await until("all lines", async () => (await failed.locator(".out .line").count()) > 30);
  await accessible("unfolded");
});

await step("problems only", async () => {
  await page.click("#story-problems");
  await until("fewer", async () => (await page.locator(".block.say").count()) === 0);
  assert.ok((await page.locator(".block.tool").count()) <= 1);
  await page.click("#story-problems");
  await until("all", async () => (await page.locator(".block.say").count()) === 1);
});

await step("a link to an event: unfolded, lit, following off; and one that is not there", async () => {
  const records = await (await fetch(`${url}/v1/runs/${good}/events?after=0&limit=1000`)).json();
  const target = records.records.find((record) => record.data?.message === "step 20");
  await page.goto(`${url}/#run=${good}&event=${target.id}`);
  await page.reload();
  await page.locator(".block.aim", { hasText: "step 20" }).waitFor();
  assert.equal(await follows(), "false");
  const box = await page.locator(".block.aim").boundingBox();
  assert.ok(box.y > 0 && box.y < 820, "in sight: " + box.y);
  await page.goto(`${url}/#run=${good}&event=nothing`);
  await page.reload();
  await page.getByText("The linked event is not here").waitFor();
  await page.goto(`${url}/#run=abc`);
  await page.reload();
  await page.getByText("No run abc is known to this bridge").waitFor();
});

await step("search looks into the whole run, folded outputs too", async () => {
  await page.goto(`${url}/#run=${good}`);
  await page.reload();
  await page.locator(".block").first().waitFor();
  await page.fill("#story-text", "sentence 3");
  await until("hits", async () => /^11 found$/.test(await page.textContent("#story-hits")));
  await page.keyboard.press("Enter");
  await until("first", async () => (await page.textContent("#story-hits")) === "1 of 11");
  await block("Sentence 3.").first().waitFor();
  await page.keyboard.press("Shift+Enter");
  await until("wraps", async () => (await page.textContent("#story-hits")) === "11 of 11");
  await page.fill("#story-text", "(a+)+$");
  await until("none", async () => (await page.textContent("#story-hits")) === "nothing found");
  await page.fill("#story-text", "");
});

await step("search looks on the bridge for what is older than the page loads", async () => {
  const other = await open(browser, "about:blank");
  await other.route("**/page/storyfeed.js", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, body: (await answer.text()).replace("STORY_RECORDS_MAX = 30000", "STORY_RECORDS_MAX = 60") });
  });
  await other.goto(`${url}/#run=${good}`);
  await other.locator(".block").first().waitFor();
  await other.fill("#story-text", "sentence 3");
  await until("older", async () => /^nothing found, 11 before what is loaded, from \d/.test(await other.textContent("#story-hits")));
  await other.fill("#story-text", "sentence 59");
  await until("only here", async () => /^1 found$/.test(await other.textContent("#story-hits")));
  assert.deepEqual(other.faults, []);
  await other.context().close();
});

await step("follows the end; who scrolls up stays where they are", async () => {
  await page.keyboard.press("Escape");
  await page.click("#story-follow");
  await until("following", async () => (await follows()) === "true");
  await world.add(good, world.say("The last words so far."));
  await page.getByText("The last words so far.").waitFor();
  const atEnd = () => page.evaluate(() => { const box = document.getElementById("story-list"); return box.scrollHeight - box.scrollTop - box.clientHeight; });
  assert.ok((await atEnd()) <= 24);
  await page.locator("#story-list").hover();
  await page.mouse.wheel(0, -600);
  await until("off", async () => (await follows()) === "false");
  const top = () => page.evaluate(() => { const box = document.getElementById("story-list").getBoundingClientRect(); const first = [...document.querySelectorAll(".block")].filter((b) => b.getBoundingClientRect().bottom > box.top).sort((a, b) => a.top - b.top)[0]; return [first.dataset.number, Math.round(first.getBoundingClientRect().top)].join(" "); });
  const before = await settled("the story", top);
  await world.add(good, ...world.tool("one more", "error", { output: "no" }));
  await page.getByText(/↓ \d+ new, 1 problem/).waitFor();
  assert.equal(await top(), before);
  await page.click("#story-new");
  await until("on", async () => (await follows()) === "true");
  await until("the end", async () => (await atEnd()) <= 24);
});

await step("a live timer counts, and stops when the call ends", async () => {
  const timer = page.locator(".block.tool", { hasText: "pytest -q" }).locator(".timer");
  await page.keyboard.press("Home");
  await page.locator("#story-list").press("g");
  await page.locator("#story-list").press("G");
  await page.fill("#story-text", "pytest -q");
  await page.keyboard.press("Enter");
  await timer.first().waitFor();
  const first = await timer.first().textContent();
  await until("counts", async () => (await timer.first().textContent()) !== first);
  await world.add(good, world.end("open", "success", { output: "done" }));
  await timer.first().waitFor({ state: "detached" });
  await page.fill("#story-text", "");
});

await step("a final text takes the place of its fragments", async () => {
  await world.add(good, world.say("Moved to the new "), world.say("version."));
  await page.locator("#story-follow").click();
  await page.getByText("Moved to the new version.").waitFor();
  await world.add(good, world.final("Moved to the new version. All 38 tests pass."));
  await page.getByText("All 38 tests pass.").waitFor();
  assert.equal(await page.getByText(/Moved to the new version/).count(), 1);
});

await step("everything with the keyboard", async () => {
  await page.locator("#story-list").focus();
  await page.keyboard.press("g");
  await until("beginning", async () => (await page.evaluate(() => document.getElementById("story-list").scrollTop)) < 5);
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  assert.ok(await page.evaluate(() => document.activeElement.classList.contains("block")));
  await page.keyboard.press("e");
  await until("the problem", async () => /one more/.test(await page.evaluate(() => document.activeElement.textContent)));
  await page.keyboard.press("o");
  await until("folded", async () => (await page.evaluate(() => document.activeElement.querySelector(".tool-head").getAttribute("aria-expanded"))) === "false");
  await page.keyboard.press("G");
  await until("end", async () => (await follows()) === "true");
  await page.keyboard.press("f");
  assert.equal(await follows(), "false");
  await page.keyboard.press("Control+f");
  assert.equal(await page.evaluate(() => document.activeElement.id), "story-text");
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await page.locator("#help[open]").waitFor();
  await accessible("help", "#help");
  await page.keyboard.press("Escape");
});

await step("story and table are two views of one place", async () => {
  await page.locator("#story-list").press("g");
  await page.keyboard.press("e");
  await until("a problem", async () => /one more/.test(await page.evaluate(() => document.activeElement.textContent)));
  const shown = page.locator(".block:focus");
  if ((await shown.locator(".tool-head").getAttribute("aria-expanded")) === "false") await page.keyboard.press("o");
  await shown.getByRole("button", { name: "Records" }).click();
  await page.locator("#inspector pre").first().waitFor();
  assert.match(await page.textContent("#inspector"), /tool_finished/);
  await page.goBack();
  await page.locator("#story:visible").waitFor();
});

await step("downloads: all records as NDJSON, the story as Markdown", async () => {
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "NDJSON" }).click()]);
  assert.equal(file.suggestedFilename(), `run-${good}.ndjson`);
  const lines = readFileSync(await file.path(), "utf8").trim().split("\n").map((line) => JSON.parse(line));
  assert.ok(lines.length > 180);
  const [text] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Markdown" }).click()]);
  assert.match(readFileSync(await text.path(), "utf8"), /^# Make the report go out once/);
});

await step("phone and tablet: one pane at a time, nothing off screen", async () => {
  for (const [width, height] of [[768, 1024], [390, 844]]) {
    await page.setViewportSize({ width, height });
    await until("the story alone at " + width, async () => (await page.locator("#side:visible").count()) === 0);
    await settled("the layout", () => page.evaluate(() => document.documentElement.scrollWidth));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= width, `it scrolls sideways at ${width}: ${wide}`);
    const cut = await page.locator(".block:visible .tool-title").evaluateAll((all) => all.filter((one) => one.clientWidth < 40).length);
    assert.equal(cut, 0, "titles are readable");
    await shoot(page, `story-${width}`);
    await page.click("#back");
    await page.locator("#now:visible .now-card").first().waitFor();
    assert.equal(await page.locator("#story:visible").count(), 0);
    await shoot(page, `story-list-${width}`);
    await accessible(`list at ${width}`);
    await page.goBack();
    await page.locator("#story:visible .block").first().waitFor();
    await accessible(`story at ${width}`);
  }
  await page.setViewportSize({ width: 1400, height: 820 });
});

await step("dark", async () => {
  await page.emulateMedia({ colorScheme: "dark" });
  await page.goto(`${url}/#run=${bad}`);
  await page.reload();
  await page.locator(".block.end").waitFor();
  await accessible("dark");
  await shoot(page, "story-dark");
});

assert.deepEqual(page.faults, []);
await browser.close();
