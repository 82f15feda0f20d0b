// What the page says when something is wrong, and what it does not say.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { control, launch, open, order, shoot, until } from "./browser.mjs";
import { World } from "./story_world.mjs";

const [url, sim] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await launch();
const world = new World(sim, url);
const run = await world.run();
await world.add(run, world.prompt("Make the report go out once."), world.begin("a", "make all"));

const page = await open(browser, `${url}/#run=${run}`, { permissions: [] });
await page.evaluate(() => {
  window.told = [];
  window.Notification = class {
    static permission = "default";
    static requestPermission = async () => (window.Notification.permission = "granted");
    constructor(title, options) {
      window.told.push([title, options.body]);
    }
    close() {}
  };
});
await page.locator("#link[data-state=live]").waitFor();
await page.locator(".timer").first().waitFor();
assert.ok(await page.locator("#banner").isHidden(), "nothing is wrong");

// The bell: asked for by a press, never by itself; several ends are one notification.
const others = [await world.run(), await world.run(), await world.run()];
for (const one of others) await world.add(one, world.prompt("Another one."));
await until("read", async () => (await (await fetch(`${url}/v1/runs`)).json()).runs.filter((view) => view.status === "streaming").length === 4);
// The page has read the runs too: what it sees for the first time is no news.
await until("four cards", async () => (await page.locator("#runs button[data-run]").count()) === 4, 60000);
assert.deepEqual(await page.evaluate(() => [window.told, window.Notification.permission]), [[], "default"]);
await page.click("#bell");
await page.locator("#bell[aria-pressed=true]").waitFor();
for (const one of others) await world.finish(one, "failed", "Out of memory");
await until("one for three", async () => (await page.evaluate(() => window.told.length)) >= 1, 60000);
await page.waitForTimeout(500);
const told = await page.evaluate(() => window.told);
assert.ok(told.length <= 3 && told.some(([title]) => /failed/.test(title)), JSON.stringify(told));
console.log("ok the ends of runs are told when somebody wants it, not at load", JSON.stringify(told.map(([title]) => title)));

// Upstream falls silent: which, from when, and no green.
await control(sim, "/faults", { kind: "html_5xx", times: 100000 });
await control(sim, "/streams/cut", { how: "mid_frame" });
await page.locator("#banner:visible").waitFor({ timeout: 60000 });
const words = await page.textContent("#banner-text");
assert.match(words, /Since \d\d:\d\d:\d\d/);
assert.match(words, /No new events arrive/);
assert.notEqual(await page.getAttribute("#link", "data-state"), "live");
assert.ok(await page.evaluate(() => document.body.classList.contains("stale")));
const timer = page.locator(".timer").first();
const stopped = await timer.textContent();
await page.waitForTimeout(2200);
assert.equal(await timer.textContent(), stopped, "a timer that nothing is known of stands still");
await page.evaluate(axe);
const found = await page.evaluate(() => window.axe.run("html", { runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21aa"] } }));
assert.deepEqual(found.violations.map((one) => one.id), []);
await shoot(page, "story-upstream-down");
console.log("ok upstream down:", words);

await control(sim, "/faults", undefined, "DELETE");
await until("over", async () => page.locator("#banner").isHidden(), 90000);
await page.locator("#link[data-state=live]").waitFor();
console.log("ok it is over when it is over");

await order("kill");
await until("gone", async () => /does not answer/.test(await page.textContent("#banner-text")), 30000);
assert.equal(await page.textContent("#link-text").then((text) => /Live/.test(text)), false);
await shoot(page, "story-bridge-gone");
await order("start");
await page.locator("#link[data-state=live]").waitFor({ timeout: 60000 });
await until("back", async () => page.locator("#banner").isHidden(), 60000);
assert.equal(await page.getByText("make all").count(), 1, "nothing is doubled");
console.log("ok the bridge gone and back");
assert.deepEqual(page.faults, []);
await browser.close();
process.exit();
