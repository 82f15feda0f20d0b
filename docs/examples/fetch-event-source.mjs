// npm install @microsoft/fetch-event-source
// A library for browsers. It can send the token as a header, so it needs no ticket.
globalThis.window ??= globalThis; // Node only
const { fetchEventSource } = await import("@microsoft/fetch-event-source");

const { BRIDGE_URL, BRIDGE_TOKEN } = process.env;
class Refused extends Error {}

await fetchEventSource(`${BRIDGE_URL}/v1/events?after=0`, {
  headers: { Authorization: `Bearer ${BRIDGE_TOKEN}` },
  openWhenHidden: true, // otherwise it closes in a background tab and starts over afterwards
  async onopen(response) {
    if (response.status === 401 || response.status === 403) throw new Refused(await response.text());
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
  },
  onmessage(message) {
    if (message.data) console.log(message.data); // the first frame has only a position
  },
  onclose() {
    throw new Error("the bridge stops"); // reconnect, as after a cut
  },
  onerror(error) {
    if (error instanceof Refused) throw error;
    return 2000; // milliseconds until it reconnects, with the last id
  },
});
