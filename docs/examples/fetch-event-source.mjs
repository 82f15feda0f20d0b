// npm install @microsoft/fetch-event-source
// It is made for browsers, where it can send the token as a header: no ticket is needed.
globalThis.window ??= globalThis; // Node only
const { fetchEventSource } = await import("@microsoft/fetch-event-source");

const { BRIDGE_URL, BRIDGE_TOKEN } = process.env;
class Refused extends Error {}

await fetchEventSource(`${BRIDGE_URL}/v1/events?after=0`, {
  headers: { Authorization: `Bearer ${BRIDGE_TOKEN}` },
  openWhenHidden: true, // or it would close while the tab is in the background, and begin again after
  async onopen(response) {
    if (response.status === 401 || response.status === 403) throw new Refused(await response.text());
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
  },
  onmessage(message) {
    if (message.data) console.log(message.data); // the first frame only tells the place
  },
  onclose() {
    throw new Error("the bridge stops"); // come back, as after a cut
  },
  onerror(error) {
    if (error instanceof Refused) throw error;
    return 2000; // milliseconds until it comes back, with the last id
  },
});
