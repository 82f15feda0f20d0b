// The connection: an EventSource that is opened again, with the last id, for as long as the page is.
//
// The browser reconnects by itself after a cut and sends Last-Event-ID. It gives up for good on any
// answer but 200 (a proxy's 502 while the bridge restarts), and it would send a spent ticket again;
// for both the page opens a new one that resumes with `after`.

import { hasToken, isClosed, ticket } from "/page/access.js";

const WAIT_MS_MIN = 1000;
const WAIT_MS_MAX = 15000; // a bridge that is back is noticed within this
const WORDS = { __proto__: null, live: "Live", waiting: "Connecting", lost: "Connection lost", refused: "Refused" };

export class Stream {
  // `take(text)` gets each record, `tell(state, words)` each change of state.
  constructor(take, tell) {
    this.take = take;
    this.tell = tell;
    this.source = null;
    this.last = ""; // id of the newest record: where to resume
    this.round = 0; // counts openings: an older one that still waits gives way
    this.waitMs = WAIT_MS_MIN;
    this.timer = 0;
  }

  // Begin anew with the last `tail` records that match.
  begin(filters, tail) {
    this.filters = filters;
    this.tail = tail;
    this.last = "";
    this.waitMs = WAIT_MS_MIN;
    return this.open();
  }

  // Go on behind a position that was reached by other means.
  resume(filters, after) {
    this.filters = filters;
    this.tail = 0;
    this.last = after;
    this.waitMs = WAIT_MS_MIN;
    return this.open();
  }

  end() {
    this.round += 1;
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  // Nobody is signed in: a connection that is not wanted is not lost.
  rest() {
    this.end();
    this.say("waiting", "Signed out");
  }

  async open() {
    this.end();
    const mine = this.round;
    this.say("waiting", this.last ? "Reconnecting" : "Connecting");
    const query = new URLSearchParams(this.last ? { after: this.last } : { tail: this.tail });
    for (const [name, value] of this.filters) query.append(name, value);
    if (isClosed()) return this.rest();
    if (hasToken()) {
      try {
        query.set("ticket", await ticket());
      } catch (error) {
        if (mine === this.round) this.later(error.status === 401 ? "Signed out" : "");
        return;
      }
      if (mine !== this.round) return;
    }
    const source = new EventSource("/v1/events?" + query);
    this.source = source;
    const receive = (event) => {
      if (event.lastEventId) this.last = event.lastEventId;
      this.take(event.data);
    };
    source.onmessage = receive;
    source.addEventListener("bridge.reset", receive);
    source.onopen = () => {
      this.waitMs = WAIT_MS_MIN;
      this.say("live");
    };
    source.onerror = () => {
      if (source !== this.source) return;
      if (source.readyState === EventSource.CLOSED || hasToken()) this.later("");
      else this.say("lost", "Connection lost, reconnecting");
    };
  }

  later(why) {
    this.source?.close();
    this.source = null;
    const waitMs = this.waitMs * (0.75 + Math.random() / 2); // those who were cut together come back apart
    this.waitMs = Math.min(this.waitMs * 2, WAIT_MS_MAX);
    this.say("lost", why || `Connection lost, retrying in ${Math.ceil(waitMs / 1000)} s`);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), waitMs);
  }

  say(state, words = WORDS[state]) {
    this.tell(state, words);
  }
}
