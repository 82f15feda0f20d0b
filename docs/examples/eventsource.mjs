// npm install eventsource
import { EventSource } from "eventsource";

const { BRIDGE_URL, BRIDGE_TOKEN } = process.env;
let last = "0"; // a position; "0" is the oldest record kept

function open() {
  const source = new EventSource(`${BRIDGE_URL}/v1/events?after=${last}`, {
    fetch: (url, options) =>
      fetch(url, { ...options, headers: { ...options.headers, Authorization: `Bearer ${BRIDGE_TOKEN}` } }),
  });
  const take = (event) => {
    last = event.lastEventId;
    console.log(event.data);
  };
  source.addEventListener("message", take);
  source.addEventListener("bridge.reset", take); // records are missing; data says why
  source.addEventListener("error", (error) => {
    // After a cut, EventSource reconnects with the last id. After an error status it does not.
    if (source.readyState !== EventSource.CLOSED) return;
    if (error.code === 401 || error.code === 403) throw new Error(error.message);
    setTimeout(open, 2000);
  });
}

open();
