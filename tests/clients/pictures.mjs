// The live page while a demo runs: `pictures.mjs URL SIMULATOR DIRECTORY`.

import { control, launch, open, until } from "./browser.mjs";

const [url, sim, directory] = process.argv.slice(2);
const browser = await launch();
const wide = { viewport: { width: 1400, height: 820 } };

async function views() {
  return (await (await fetch(`${url}/v1/runs`)).json()).runs;
}

async function picture(page, name) {
  await page.mouse.move(700, 3);
  await page.waitForTimeout(700);
  await page.screenshot({ path: `${directory}/${name}.png` });
}

const titled = (list, words) => list.find((view) => view.title?.includes(words));
const page = await open(browser, url, { ...wide, colorScheme: "light" });
const dark = await open(browser, url, { ...wide, colorScheme: "dark" });

// Early: the fix is under way, its failing test stands open.
const fix = await until("the fix", async () => titled(await views(), "Invoices"), 60000);
for (const one of [page, dark]) await one.goto(`${url}/#run=${fix.runId}`);
await page.locator(".block.tool", { hasText: "pnpm test" }).locator(".exit").first().waitFor({ timeout: 90000 });
await page.locator(".block.tool", { hasText: "coupons.ts" }).first().waitFor({ timeout: 90000 });
await picture(page, "live-page");
await picture(dark, "live-page-dark");

// One has failed: its reason, and the overview.
const failed = await until("a failure", async () => (await views()).find((view) => view.status === "failed" && view.state === "ended"), 120000);
await page.goto(`${url}/#run=${failed.runId}`);
await page.locator(".block.end").waitFor();
await picture(page, "live-page-failed");
await page.goto(`${url}/#`);
await page.locator(".now-card").first().waitFor();
await page.waitForTimeout(5000);
await picture(page, "live-page-now");

for (const [width, height] of [[768, 1024], [390, 844]]) {
  const small = await open(browser, `${url}/#run=${fix.runId}`, { viewport: { width, height }, colorScheme: "light" });
  await small.locator(".block").first().waitFor();
  await picture(small, `live-page-${width}`);
  await small.context().close();
}

// Upstream falls silent.
await control(sim, "/faults", { kind: "html_5xx", times: 100000 });
await control(sim, "/streams/cut", { how: "reset" }).catch(() => control(sim, "/streams/cut", { how: "mid_frame" }));
await page.locator("#banner:visible").waitFor({ timeout: 90000 });
await page.waitForTimeout(3000);
await picture(page, "live-page-down");
await browser.close();
