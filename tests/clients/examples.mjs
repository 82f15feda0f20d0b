// Open example pages in one Chromium and print what each receives: `name TAB record`.
// Arguments: the token, then name=address=file ("" where the address itself serves the file).

import { launch } from "./browser.mjs";

const [token, ...examples] = process.argv.slice(2);
// A page that the driver puts in place has no network address, and counts as one of the open internet,
// which may not reach loopback. Behind the proxies pages come from a real server.
const browser = await launch(["--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets"]);
for (const example of examples) {
  const [name, address, file] = example.split("=");
  const context = await browser.newContext();
  if (file) await context.route(address, (route) => route.fulfill({ path: file, contentType: "text/html" }));
  const page = await context.newPage();
  await page.exposeFunction("hear", (text) => console.log(`${name}\t${text}`));
  await page.goto(address);
  await page.evaluate(() => {
    const observer = new MutationObserver((changes) => {
      for (const change of changes) for (const node of change.addedNodes) window.hear(node.textContent.trim());
    });
    observer.observe(document.getElementById("records"), { childList: true });
  });
  await page.fill("[name=token]", token);
  await page.click("button");
}
