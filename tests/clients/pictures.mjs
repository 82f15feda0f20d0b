// The live page, light and dark, while a demo runs: `pictures.mjs URL DIRECTORY`.

import { launch, open } from "./browser.mjs";

const [url, directory] = process.argv.slice(2);
const LOOK_MS = 24000; // until the lines of the rates have some length
const browser = await launch();
const options = { viewport: { width: 1400, height: 780 } };
const pages = [];
for (const [scheme, name] of [["light", "live-page"], ["dark", "live-page-dark"]]) {
  pages.push([await open(browser, url, { ...options, colorScheme: scheme }), name]);
}
await pages[0][0].waitForTimeout(LOOK_MS);
for (const [page, name] of pages) {
  await page.locator(".event", { hasText: "exit code" }).first().click();
  await page.mouse.move(700, 5);
  await page.waitForTimeout(300);
  await page.screenshot({ path: `${directory}/${name}.png` });
}
await browser.close();
