// A transcript that means harm: markup, script addresses, terminal escapes, hidden signs, five megabytes.

import assert from "node:assert/strict";
import { control, launch, open, shoot, until } from "./browser.mjs";
import { World } from "./story_world.mjs";

const [url, sim] = process.argv.slice(2);
const browser = await launch();
const world = new World(sim, url);
const run = await world.run();

const MARKUP = [
  `<img src=x onerror="document.title='taken'">`,
  `<script>document.title='taken'</script>`,
  `<svg onload="document.title='taken'">`,
  `[x](javascript:document.title='taken')`,
  "[x](JaVa\tscript:alert(1))",
  `[x](data:text/html,<script>alert(1)</script>)`,
  "![x](https://leak.example/a.png)",
  `<a href="javascript:alert(1)">x</a>`,
  "<scratchpad>",
  "\u001b]8;;javascript:alert(1)\u001b\\link\u001b]8;;\u001b\\ \u001b]0;taken\u0007 \u001b]52;c;dGFrZW4=\u0007 \u001b[2J\u001b[31mred",
  "rm -rf \u202egpj.exe \u{e0041}\u{e0042} a" + "\u0301".repeat(500),
];
await world.add(run, world.prompt(MARKUP[0] + " do it"));
for (const text of MARKUP) {
  await world.add(run, world.say(text + "\n\n"), ...world.tool(text, "error", { output: text, message: text }, text.slice(0, 60)));
  await world.add(run, { type: "log", message: text, payload: { stage: text } }, { type: text.replace(/[^\x20-\x7e]/g, "").slice(0, 40), message: text, payload: {} });
}
await world.add(run, { type: "log", message: "x".repeat(5_000_000) + " the very end", payload: { kind: "assistant_final" } });
await control(sim, `/runs/${run}/finish`, { status: "failed", error: MARKUP.join(" "), gap_s: 0 });

const page = await open(browser, url + "/#run=" + run);
const asked = [];
page.on("request", (request) => asked.push(request.url()));
await page.evaluate(() => {
  window.reports = [];
  document.addEventListener("securitypolicyviolation", (event) => window.reports.push(event.violatedDirective));
});
await page.locator(".block.end").waitFor({ timeout: 30000 });
console.log("ok it is shown");

await page.locator("#story-list").press("O");
await page.locator("#story-list").press("g");
const seen = new Set();
await until("walked through", async () => {
  for (const text of await page.locator(".block").allTextContents()) seen.add(text);
  for (let turn = 0; turn < 5; turn++) await page.keyboard.press("j");
  return page.evaluate(() => document.activeElement.classList.contains("end"));
}, 40000);
const all = [...seen].join("\n");
for (const text of ["<script>document.title='taken'</script>", "<img src=x onerror", "[x](javascript:document.title", "<scratchpad>", "‹U+202E›", "‹U+E0041›", "image: x"]) {
  assert.ok(all.includes(text), `shown as it was written: ${text}`);
}
console.log("ok it is text, all of it");

assert.equal(await page.locator("#timeline :is(img, script, iframe, object, form:not(.bar))").count(), 0);
const links = await page.locator("#timeline a").evaluateAll((found) => found.map((link) => link.protocol));
assert.ok(links.every((protocol) => protocol === "https:" || protocol === "http:"), links.join());
assert.doesNotMatch(await page.title(), /^taken/);
assert.deepEqual(asked.filter((one) => !one.startsWith(url) && !one.startsWith("blob:")), []);
assert.deepEqual(await page.evaluate(() => window.reports), []);
const tall = await page.locator(".block.tool .tool-head").evaluateAll((heads) => Math.max(...heads.map((head) => head.offsetHeight)));
assert.ok(tall < 120, "no row grows without end: " + tall);
console.log("ok it does nothing");

await page.click("#tab-events", { force: true }).catch(() => page.click("#view-events"));
await until("the table too", async () => (await page.locator(".event:not([hidden])").count()) > 5);
assert.doesNotMatch(await page.title(), /^taken/);
await shoot(page, "story-hostile");
console.log("ok nor in the table");
assert.deepEqual(page.faults, []);
await browser.close();
