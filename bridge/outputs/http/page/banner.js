// The pill and the banner: what is wrong, from which moment, and no green while events cannot come.

import { Refused, ask, isClosed, serverNow } from "/page/access.js";
import { at, day, setText, time } from "/page/dom.js";
import { troubleOf } from "/page/truth.js";

const EVERY_MS = 5000; // between two looks at the checks
const PATIENCE_MS = 3000; // a connection that is back within this was never gone to a reader

export class Truth {
  // `stop(atMs | undefined)`: timers stand still at this moment, for nothing newer is known.
  constructor(stop) {
    this.stop = stop;
    this.state = { state: "waiting", since: Date.now() };
    this.words = "Connecting";
    this.views = [];
    this.checks = null;
    this.mayLook = true;
    this.since = new Map(); // id of a trouble -> when it was first seen
    setInterval(() => this.show(), 1000);
  }

  begin() {
    this.mayLook = true;
    if (!this.isLooking) this.keepLooking();
  }

  async keepLooking() {
    this.isLooking = true;
    for (;;) {
      if (!document.hidden && !isClosed() && this.mayLook) await this.look();
      await new Promise((done) => setTimeout(done, EVERY_MS));
    }
  }

  async look() {
    try {
      const response = await ask("/healthz", { also: 503 });
      this.checks = (await response.json()).checks ?? null;
    } catch (error) {
      // A token that may not see the checks: the runs tell as much as it may know.
      if (error instanceof Refused && error.status !== 503) this.mayLook = false;
      if (error instanceof Refused) this.checks = null;
    }
    this.show();
  }

  link(state, words) {
    if (state !== this.state.state) this.state = { state, since: serverNow() };
    this.words = words;
    this.show();
  }

  runs(views) {
    this.views = views;
    this.show();
  }

  trouble() {
    const isGone = this.state.state === "lost" && serverNow() - this.state.since < PATIENCE_MS;
    const link = isGone ? { state: "waiting" } : this.state;
    return isClosed() ? null : troubleOf({ link, checks: this.checks, views: this.views });
  }

  show() {
    const trouble = this.trouble();
    const isLive = this.state.state === "live";
    const pill = at("link");
    pill.dataset.state = trouble && isLive ? (trouble.tone === "bad" ? "lost" : "waiting") : this.state.state;
    setText(at("link-text"), trouble && isLive ? trouble.pill : this.words);
    for (const id of this.since.keys()) if (id !== trouble?.id) this.since.delete(id);
    if (trouble && !this.since.has(trouble.id)) this.since.set(trouble.id, trouble.id === "link" ? this.state.since : serverNow());
    const since = trouble ? this.since.get(trouble.id) : undefined;
    at("banner").hidden = !trouble;
    if (trouble) {
      at("banner").dataset.tone = trouble.tone;
      const when = day(since) === day(Date.now()) ? time(since) : `${day(since)} ${time(since)}`;
      setText(at("banner-text"), `${trouble.text} Since ${when}.`);
    }
    const isStale = trouble?.tone === "bad";
    document.body.classList.toggle("stale", isStale);
    this.stop(isStale ? since : undefined);
  }
}
