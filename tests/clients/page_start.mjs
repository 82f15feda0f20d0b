// A person starts a run on the page and cancels it: with a mouse, on a phone, with a token that may and
// with tokens that may not.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { control, launch, open, shoot, until } from "./browser.mjs";

const [url, plain, sim, writer, reader, own, run] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await launch();
const faults = [];

async function signedIn(token, options = {}) {
  const page = await open(browser, url, options);
  await page.fill("#token", token);
  await page.keyboard.press("Enter");
  await page.locator("#link[data-state=live]").waitFor();
  faults.push(page.faults);
  return page;
}

async function accessible(page, part) {
  await page.evaluate(axe);
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const found = await page.evaluate(([values, of]) => window.axe.run(of, { runOnly: { type: "tag", values } }), [tags, part]);
  assert.deepEqual(found.violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 120) + " " + n.failureSummary).join(" | ")}`), []);
}

const fits = (page, part) => page.evaluate((of) => {
  const box = document.querySelector(of).getBoundingClientRect();
  return document.documentElement.scrollWidth <= innerWidth && box.left >= 0 && box.right <= innerWidth && box.top >= 0 && box.bottom <= innerHeight;
}, part);

const starts = async () => (await control(sim, "/requests", undefined, "GET")).requests.filter((one) => one.endpoint === "start");

const page = await signedIn(writer);
let started = "";

await page.click("#start-open");
await until("repositories", () => page.locator("#start-repos option").count());
await accessible(page, "#start");
await shoot(page, "page-start");
const repo = await page.locator("#start-repos option").first().getAttribute("value");
await page.getByLabel("Repository").fill("nobody/nothing");
await page.getByLabel("Prompt").fill("Fix the <b>flaky</b> test");
await page.getByRole("button", { name: "Start", exact: true }).click();
assert.match(await page.locator("[name=repo]").evaluate((one) => one.validationMessage), /No such repository/);
assert.equal((await starts()).length, 0);
console.log("ok a wish that names no repository is refused on the page");

await page.getByLabel("Repository").fill(repo);
await page.getByText("Branch and directory").first().click();
await page.getByLabel("Working branch", { exact: true }).fill("fix/<b>flaky");
await page.getByRole("button", { name: "Start", exact: true }).click();
await page.locator("#start").waitFor({ state: "hidden" });
await until("its story", async () => /run=[0-9a-f-]{36}/.test(page.url()));
started = new URLSearchParams(new URL(page.url()).hash.slice(1)).get("run");
await page.locator("#detail .facts", { hasText: "fix/<b>flaky" }).waitFor();
assert.equal((await starts()).length, 1);
console.log("ok a run is started, followed and shown");

await page.click("#start-open");
await page.getByLabel("Prompt").fill("Once and no more");
await control(sim, "/faults", { kind: "lost_reply", endpoint: "start" });
await page.getByRole("button", { name: "Start", exact: true }).click();
await page.locator("#start-note", { hasText: "it returns the same run" }).waitFor();
await shoot(page, "page-start-lost");
await page.getByRole("button", { name: "Start", exact: true }).click();
await page.locator("#start").waitFor({ state: "hidden" });
assert.equal((await starts()).length, 3, "asked again");
console.log("ok a start whose answer was lost is not started twice");

await page.locator(`.run-card[data-run="${started}"]`).click();
await page.getByRole("button", { name: "Cancel run" }).click();
await accessible(page, "#cancel");
await shoot(page, "page-cancel");
await page.getByRole("button", { name: "Let it run" }).click();
await page.keyboard.press("j"); // a key of the page, not of the question
await page.getByRole("button", { name: "Cancel run" }).click();
await page.getByRole("button", { name: "Cancel the run" }).click();
await page.locator("#detail .told", { hasText: "The run is cancelled." }).waitFor();
await until("cancelled", async () => /cancelled/.test(await page.textContent("#detail .badge")));
assert.equal(await page.locator(".cancel-run:visible").count(), 0, "it is over");
console.log("ok a run is cancelled after a question");

const phone = await signedIn(writer, { viewport: { width: 390, height: 740 }, hasTouch: true, isMobile: true, colorScheme: "dark" });
await phone.tap("#start-open");
await until("repositories", () => phone.locator("#start-repos option").count());
assert.ok(await fits(phone, "#start"), "the form on a phone");
await phone.getByText("Branch and directory").first().tap();
assert.ok(await fits(phone, "#start"), "the whole form on a phone");
const small = await phone.locator("#start :is(button, input:not([type=checkbox]), select, textarea):visible").evaluateAll((all) => all.filter((one) => one.getBoundingClientRect().height < 44).map((one) => one.outerHTML));
assert.deepEqual(small, []);
await accessible(phone, "#start");
await shoot(phone, "page-start-phone");
await phone.getByLabel("Repository").fill(repo);
await phone.getByLabel("Prompt").fill("From a phone");
await phone.getByLabel("Working branch", { exact: true }).fill("from/phone");
await phone.getByRole("button", { name: "Start", exact: true }).tap();
await phone.locator("#detail .facts", { hasText: "from/phone" }).waitFor();
await phone.getByRole("button", { name: "Cancel run" }).tap();
assert.ok(await fits(phone, "#cancel"), "the question on a phone");
await shoot(phone, "page-cancel-phone");
await phone.getByRole("button", { name: "Cancel the run" }).tap();
await until("cancelled", async () => /cancelled/.test(await phone.textContent("#detail .badge")));
console.log("ok the same on a phone");

const watching = await signedIn(reader);
await watching.locator("body.read-only").waitFor();
await watching.locator(`.run-card[data-run="${run}"]`).click();
await watching.locator("#detail h2").waitFor();
assert.equal(await watching.locator("#start-open:visible, .cancel-run:visible").count(), 0);
console.log("ok a reader's token is offered neither");

const limited = await signedIn(own);
await limited.locator(`.run-card[data-run="${run}"]`).click();
await limited.locator(".cancel-run:visible").waitFor();
assert.equal(await limited.locator("#start-open:visible").count(), 0);
console.log("ok a token limited to a run may cancel it, and starts none");

await page.click("#sign-out");
await page.locator("#entrance:visible").waitFor();
assert.equal(await page.locator("#start-open:visible").count(), 0);
const without = await open(browser, plain);
faults.push(without.faults);
await without.locator("#link[data-state=live]").waitFor();
await without.locator(`.run-card[data-run="${run}"]`).click();
await without.locator("#detail h2").waitFor();
assert.equal(await without.locator("#start-open:visible, .cancel-run:visible").count(), 0);
console.log("ok without a gateway, and without a token, neither is there");

assert.deepEqual(faults.flat(), []);
await browser.close();
process.exit();
