// What a screen reader hears of events that come by themselves: seldom, and problems first.

import { serverNow } from "/page/access.js";
import { at, many, short } from "/page/dom.js";

const EVERY_MS = 10000; // a sentence; more often nothing else could be heard
const PROBLEM_EVERY_MS = 4000;
const DOUBT_MS = 1000; // of the server's clock, which is known to the second

export class Speaker {
  constructor() {
    this.box = at("spoken");
    this.count = 0;
    this.problems = [];
    this.spokenAt = performance.now();
    this.newSince = 0;
    setInterval(() => this.turn(), 1000);
  }

  // A stream begins with what was there already: that is no news.
  begin() {
    this.newSince = serverNow() - DOUBT_MS;
    this.count = 0;
    this.problems = [];
  }

  note(event) {
    if (event.keptAt < this.newSince) return;
    this.count += 1;
    if (event.tone === "bad" && this.problems.length < 3) this.problems.push(`${event.kind}, run ${short(event.run)}`);
  }

  turn() {
    const since = performance.now() - this.spokenAt;
    if (!this.count || since < (this.problems.length ? PROBLEM_EVERY_MS : EVERY_MS)) return;
    this.say([...this.problems, many(this.count, "new event")].join(". "));
    this.count = 0;
    this.problems = [];
  }

  say(text) {
    this.box.textContent = text;
    this.spokenAt = performance.now();
  }
}
