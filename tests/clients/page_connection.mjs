// The live page when the bridge asks for a token, is killed, comes back, and has lost its journal.
// Without a token (two arguments less) the browser itself reconnects.

import assert from "node:assert/strict";
import { control, launch, open, order, shoot } from "./browser.mjs";

const [url, sim, run, token, reader] = process.argv.slice(2);
const browser = await launch();
const page = await open(browser, url + "/#view=events");
const requests = [];
page.on("request", (request) => requests.push(request));
const state = (name) => page.locator(`#link[data-state=${name}]`).waitFor();
const say = (message) => control(sim, `/runs/${run}/events`, { events: [{ type: "log", message }] });
const row = (text) => page.locator(".event:visible", { hasText: text });

if (token) await signIn();
await state("live");

async function signIn() {
  await page.locator("#entrance:visible").waitFor();
  assert.equal(await page.locator("#side:visible").count(), 0);
  assert.equal(await page.textContent("#link-text"), "Signed out", "nothing is lost that was never there");
  await shoot(page, "page-sign-in");
  await page.fill("#token", "wrong");
  await page.keyboard.press("Enter");
  await page.getByText("This token is not accepted").waitFor();
  assert.ok(await page.locator("#sign-out").isHidden(), "who is not signed in cannot sign out");
  await page.fill("#token", token);
  await page.keyboard.press("Enter");
  await state("live");
  console.log("ok signs in with a token, streams with a ticket");
  assert.equal(await page.evaluate(() => sessionStorage.length + localStorage.length), 1);
  assert.ok(requests.every((request) => !request.url().includes(token)), "the token is in no address");
  assert.ok(requests.some((request) => /events\?.*ticket=/.test(request.url())));
}

await say("before the fall");
await row("before the fall").first().waitFor();
await order("kill");
await state("lost");
await shoot(page, "page-lost");
await say("while it was down");
await order("start");
await state("live");
await row("while it was down").first().waitFor();
await say("and after");
await row("and after").first().waitFor();
for (const text of ["before the fall", "while it was down", "and after"]) assert.equal(await row(text).count(), 1, text);
if (!token) {
  const ids = await Promise.all(requests.filter((r) => /v1.events/.test(r.url())).map((r) => r.headerValue("last-event-id")));
  assert.ok(ids.some((id) => /-\d+$/.test(id)), "Last-Event-ID was sent: " + ids);
}
console.log("ok goes on after kill -9 where it was, each event once");

await order("kill");
await state("lost");
await order("forget");
await order("start");
await state("live");
await page.locator("#notice", { hasText: "the journal was replaced" }).waitFor();
await row("records before this are missing").first().waitFor();
await shoot(page, "page-reset");
console.log("ok tells that records were missed");

if (token) await signOut();
assert.deepEqual(page.faults, []);
await browser.close();
process.exit(); // or the open input would keep it

async function signOut() {
  await page.reload();
  await state("live");
  console.log("ok a reload of the tab keeps the token");
  await page.click("#sign-out");
  await page.locator("#entrance:visible").waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  await page.fill("#token", reader);
  await page.keyboard.press("Enter");
  await state("live");
  await page.locator("body.read-only").waitFor();
  assert.equal(await page.locator("#follow:visible").count(), 0);
  console.log("ok a reader's token reads and is not offered to follow");
}
