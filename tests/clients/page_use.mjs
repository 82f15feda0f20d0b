// The live page in the hands of a person with mouse or keyboard, and of one with a screen reader.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { control, launch, open, settled, shoot, until } from "./browser.mjs";

const [url, sim, alive, gappy, unknown, added] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await launch();

async function step(name, act) {
  const begun = Date.now();
  try {
    await act();
  } catch (error) {
    await shoot(page, "page-failed");
    console.log(await count(), await page.textContent("#fresh"), "heard:", await page.evaluate(() => window.heard), "faults:", page.faults);
    error.message = `${name}: ${error.message}`;
    throw error;
  }
  console.log("ok", name, Date.now() - begun, "ms");
}

// Everything axe knows of WCAG 2.0 to 2.2, A and AA, contrast of all text included.
async function accessible(where, part = "html") {
  // The policy of the page lets no foreign script in; the debugger's own evaluation is not subject to it.
  await page.evaluate(axe);
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const found = await page.evaluate(([values, of]) => window.axe.run(of, { runOnly: { type: "tag", values } }), [tags, part]);
  const faults = found.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 120) + " " + n.failureSummary).join(" | ")}`);
  assert.deepEqual(faults, [], where);
  assert.ok(found.passes.some((rule) => rule.id === "color-contrast" && rule.nodes.length > 5), where + ": contrast was measured");
}

const card = (run) => page.locator(`.run-card[data-run="${run}"]`);
const row = (text) => page.locator(".event", { hasText: text }).first();
// Only rows in sight exist: what is further down is searched for, as a person would.
async function seek(text) {
  await page.fill("[name=text]", text);
  await row(text).waitFor();
  return row(text);
}
const count = () => page.textContent("#count");

const page = await open(browser, url + "/#view=events", { colorScheme: "light" });
await page.evaluate(() => {
  window.heard = [];
  const spoken = document.getElementById("spoken");
  new MutationObserver(() => window.heard.push(spoken.textContent)).observe(spoken, { childList: true });
});

await step("it goes live and shows the runs with status, rate and lag", async () => {
  await page.locator("#link[data-state=live]").waitFor();
  await card(alive).waitFor();
  await control(sim, `/runs/${alive}/events`, { events: [{ type: "log", message: "a needle in the stack" }] });
  await row("a needle in the stack").waitFor();
  await until("status", async () => /streaming/.test(await card(alive).textContent()));
  assert.match(await card(alive).textContent(), /\d+ events · [\d.]+\/s · (live|.+ behind)/);
  await until("rate", async () => !/ 0\/s/.test(await card(alive).textContent()));
});

await step("a gap and a run that was given up are told in colour and in words", async () => {
  await until("gap", async () => /1 gap/.test(await card(gappy).textContent()));
  const gap = await seek("are missing");
  assert.equal(await gap.getAttribute("data-tone"), "bad");
  assert.match(await gap.textContent(), /gap.* events are missing: the run started before/);
  await until("follow failed", async () => /follow failed.*NOT_FOUND/.test(await card(unknown).textContent()));
  assert.match(await (await seek("follow failed: NOT_FOUND")).textContent(), /follow failed/);
  await page.fill("[name=text]", "");
  await row("a needle in the stack").waitFor();
  assert.equal(await page.textContent("#figure-gaps"), "1");
});

await step("no rule of WCAG A and AA is broken, light", async () => {
  await shoot(page, "page-light");
  await accessible("light");
});

await step("filters by kind, by type and by text", async () => {
  await page.getByRole("radio", { name: "Problems" }).check();
  await until("problems", async () => {
    const tones = await page.locator(".event:visible").evaluateAll((rows) => rows.map((row) => row.dataset.tone));
    return tones.length >= 2 && tones.every((tone) => tone === "bad" || tone === "warn");
  });
  await page.getByRole("radio", { name: "All" }).check();
  await page.fill("[name=type]", "*.log");
  await until("logs", async () => {
    const words = await page.locator(".event:visible .word").allTextContents();
    return words.length > 0 && words.every((word) => word === "log");
  });
  await page.fill("[name=type]", "");
  await page.fill("[name=text]", "NEEDLE");
  await until("one", async () => /^1 of \d+ events$/.test(await count()));
  assert.match(page.url(), /#view=events&text=NEEDLE$/);
  await page.fill("[name=text]", "");
});

await step("a run's detail, and its events only", async () => {
  await card(gappy).click();
  await page.locator("#detail .run-id", { hasText: gappy }).waitFor();
  await page.click("#view-events");
  await until("its events", async () => {
    const runs = await page.locator(".event:not([hidden]) .run").allTextContents();
    return runs.length > 10 && runs.every((run) => run === gappy.slice(0, 8));
  });
  assert.equal(await page.locator(".event:visible .run:visible").count(), 0, "one id, again and again, says nothing");
  assert.match(await page.textContent("#detail"), /1 gap: some events could not be fetched/);
  await page.keyboard.press("Escape");
  await page.locator("#detail").waitFor({ state: "hidden" });
  await page.click("#tab-events");
});

await step("a run is added and removed", async () => {
  await page.fill("#follow-id", "not a run");
  await page.click("#follow button");
  await until("why not", async () => /UUID/.test(await page.textContent("#follow-note")));
  await page.fill("#follow-id", added);
  await page.keyboard.press("Enter");
  await card(added).waitFor();
  await card(added).click();
  await page.getByRole("button", { name: "Stop following" }).click();
  await until("stopped", async () => /state\s*stopped/.test(await page.textContent("#detail dl")));
  await page.locator("#detail").getByRole("button", { name: "Follow", exact: true }).click();
  await page.getByRole("button", { name: "Stop following" }).waitFor();
  await page.getByRole("button", { name: "All runs" }).click();
  await page.click("#tab-events");
  // Its status and its three events; on a busy machine they would come into the steps that count.
  const mine = page.locator(".event:visible .run", { hasText: added.slice(0, 8) });
  await until("its records", async () => (await mine.count()) === 4);
});

await step("everything with the keyboard", async () => {
  await row("a needle in the stack").waitFor();
  await page.locator("body").press("e");
  assert.equal(await page.evaluate(() => document.activeElement.id), "events");
  await page.keyboard.press("j");
  await page.keyboard.press("ArrowDown");
  await page.locator('.event[aria-selected="true"][aria-posinset="2"]').waitFor();
  const active = await page.getAttribute("#events", "aria-activedescendant");
  assert.equal(await page.getAttribute("#" + active, "aria-selected"), "true");
  await page.keyboard.press("Enter");
  await page.locator("#inspector pre").first().waitFor();
  assert.match(await page.textContent("#inspector"), /"specversion": "1.0"/);
  await shoot(page, "page-event");
  await accessible("an event", "#inspector");
  await page.keyboard.press("Escape");
  await page.locator("#inspector").waitFor({ state: "hidden" });
  await page.keyboard.press("End");
  await until("oldest", async () => {
    const all = parseInt((await count()).replaceAll(",", ""), 10);
    const now = await page.locator('.event[aria-selected="true"]').getAttribute("aria-posinset", { timeout: 1000 }).catch(() => "0");
    return Number(now) === all;
  });
  await page.keyboard.press("Home");
  await page.keyboard.press("r");
  await page.keyboard.press("ArrowDown");
  assert.match(await page.evaluate(() => document.activeElement.className), /run-card/);
  await page.keyboard.press("?");
  await page.locator("#help[open]").waitFor();
  await accessible("help", "#help");
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  await page.keyboard.type("jjj");
  assert.equal(await page.inputValue("[name=text]"), "jjj");
  await page.fill("[name=text]", "");
  await page.keyboard.press("Escape");
  // That was no search, and who scrolls on meanwhile is not taken back to the top.
  await page.evaluate(() => (document.getElementById("events").scrollTop = 600));
  await page.waitForTimeout(400);
  assert.equal(await page.evaluate(() => document.getElementById("events").scrollTop), 600);
  await page.evaluate(() => (document.getElementById("events").scrollTop = 0));
});

await step("pause holds the list, and a reader who scrolled away stays where they are", async () => {
  await page.locator("#events").press("p");
  await control(sim, `/runs/${alive}/events`, { events: [{ type: "log", message: "while it was held" }] });
  await page.getByText("↑ 1 new event").waitFor();
  assert.equal(await page.locator(".event", { hasText: "while it was held" }).count(), 0);
  await page.locator("#fresh").click();
  await row("while it was held").waitFor();
  await page.evaluate(() => (document.getElementById("events").scrollTop = 600));
  // Numbers of rows change when something comes above them; the place on the screen must not.
  const top = () => page.evaluate(() => {
    const rows = [...document.querySelectorAll(".event:not([hidden])")].filter((r) => r.getBoundingClientRect().top > 300);
    const first = rows.sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)[0];
    return [first.textContent, Math.round(first.getBoundingClientRect().top)].join(" ");
  });
  const before = await settled("the list", top);
  await control(sim, `/runs/${alive}/events`, { generate: 7 });
  await page.getByText("↑ 7 new events").waitFor();
  assert.equal(await top(), before);
  await page.locator("#fresh").click();
});

await step("a screen reader hears of new events now and then, of problems sooner", async () => {
  await control(sim, `/runs/${alive}/events`, { events: [{ type: "failed", message: "the tests do not pass" }] });
  await page.waitForFunction(() => window.heard.some((text) => /failed, run .{8}\. \d+ new event/.test(text)));
  // Each change of a filter brought the gap and the run that was given up again: that was no news.
  const repeats = await page.evaluate(() => window.heard.filter((text) => /gap|follow failed/.test(text)));
  assert.ok(repeats.length <= 1, repeats.join());
  assert.equal(await page.getAttribute("#spoken", "aria-live"), "polite");
  for (const role of ["banner", "main", "navigation", "search"]) assert.ok((await page.getByRole(role).count()) >= 1, role);
});

await step("dark by the system's wish, and by the reader's", async () => {
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await paper();
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await paper();
  assert.notEqual(dark, light);
  await accessible("dark");
  await shoot(page, "page-dark");
  await page.click("#theme");
  assert.equal(await paper(), light);
  await page.reload();
  assert.equal(await paper(), light, "kept over a reload");
  await page.locator("#link[data-state=live]").waitFor();
});

await step("fits a phone", async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  await row("a needle in the stack").waitFor();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, "it scrolls sideways: " + wide);
  await shoot(page, "page-phone");
});

await step("text of others stays text, and the policy lets nothing else in", async () => {
  const trap = `<img src=x onerror="document.title='taken'"><script>document.title='taken'</script>`;
  await control(sim, `/runs/${alive}/events`, { events: [{ type: "log", message: trap }] });
  await row("<img src=x").click();
  await page.locator("#inspector .said", { hasText: "<script>" }).waitFor();
  assert.equal(await page.locator("#inspector img, #events img").count(), 0);
  assert.doesNotMatch(await page.title(), /taken/);
  const isLocked = await page.evaluate(async () => {
    const script = document.createElement("script");
    try {
      script.textContent = "window.inline = true"; // refused already here: no text becomes a script
    } catch {
      script.append("window.inline = true");
    }
    document.head.append(script);
    const elsewhere = await fetch("http://127.0.0.1:9/").then(() => true, () => false);
    return window.inline !== true && !elsewhere;
  });
  assert.ok(isLocked);
});

// The two refusals of the last step are the browser's report of what the policy forbids.
assert.deepEqual(page.faults.filter((fault) => !/Content Security Policy|TrustedScript/.test(fault)), []);
await browser.close();
