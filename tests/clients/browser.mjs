// A headless Chromium of this machine, driven without a browser of the driver's own.

import { mkdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

export const ARTEFACTS = process.env.ARTEFACTS ?? "artefacts";
export const WAIT_MS = 40000; // the machine may be busy with other tests

export async function launch(more = []) {
  // No sandbox: tests run as root in containers, and load pages of this repository only.
  const args = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", ...more];
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args });
}

// A page that fails the test on anything that a browser's console would show in red.
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 820 }, ...options });
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(error.message));
  page.on("console", (message) => {
    // A refused or cut connection is told here by the browser itself; it is what some tests are about.
    if (message.type() === "error" && !/Failed to load resource|ERR_/.test(message.text())) page.faults.push(message.text());
  });
  await page.goto(url);
  return page;
}

export async function shoot(page, name) {
  mkdirSync(ARTEFACTS, { recursive: true });
  await page.screenshot({ path: `${ARTEFACTS}/${name}.png` });
}

// The simulator's control API.
export async function control(sim, path, body, method = "POST") {
  const response = await fetch(sim + "/_sim" + path, { method, body: body && JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${path}: ${answer.error}`);
  return answer;
}

// Tell the test that starts and kills processes what is to be done; wait until it has.
let answers;
export async function order(what) {
  answers ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  console.log("> " + what);
  await answers.next();
}

// What `read` returns once it returns it three times in a row: the page moves no more.
export async function settled(what, read, waitMs = WAIT_MS) {
  const seen = [];
  return until(what + " settles", async () => {
    seen.unshift(JSON.stringify(await read()));
    await new Promise((done) => setTimeout(done, 100));
    return seen.length >= 3 && seen[0] === seen[1] && seen[1] === seen[2] ? { value: JSON.parse(seen[0]) } : null;
  }, waitMs).then((found) => found.value);
}

export async function until(what, check, waitMs = WAIT_MS) {
  const end = Date.now() + waitMs;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error("never: " + what);
    await new Promise((done) => setTimeout(done, 50));
  }
}
