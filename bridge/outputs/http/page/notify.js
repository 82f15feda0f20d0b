// A notification when a run ends or waits for somebody, and a mark in the title: if wanted.

import { at, short } from "/page/dom.js";
import { isMogplex } from "/page/feeds.js";
import { visible } from "/page/visible.js";

const WANTED = "mogplex-bridge.notify";
const GATHER_MS = 5000; // ends within this time are one notification
const CHARS_MAX = 120;
const WORDS = { __proto__: null, success: "ended in success", failed: "failed", cancelled: "was cancelled", awaiting_input: "waits for input" };
// Of other systems the state in the words of all counts.
const WORDS_OF_OTHERS = { __proto__: null, succeeded: "ended in success", failed: "failed", cancelled: "was cancelled" };

export class Notifier {
  // `open(run)`: a reader clicked; `inView()`: the run that is looked at, if the page is.
  constructor(open, inView) {
    Object.assign(this, { open, inView, statuses: null, news: [], failed: 0, timer: 0 });
    this.isWanted = stored() && globalThis.Notification?.permission === "granted";
    this.button = at("bell");
    this.button.addEventListener("click", () => this.turn());
    addEventListener("focus", () => this.seen());
    this.show();
  }

  // Permission is asked for here, where somebody pressed the bell, and nowhere else.
  async turn() {
    if (!this.isWanted) {
      const answer = globalThis.Notification ? await Notification.requestPermission() : "denied";
      this.isDenied = answer !== "granted";
      this.isWanted = true; // without permission the title tells
    } else this.isWanted = false;
    try {
      if (this.isWanted) localStorage.setItem(WANTED, "1");
      else localStorage.removeItem(WANTED);
    } catch {
      // it lasts as long as the page
    }
    this.show();
  }

  show() {
    this.button.setAttribute("aria-pressed", String(this.isWanted));
    this.button.title = !this.isWanted ? "Notify when a run ends" : this.isDenied ? "Shown in the title: the browser does not allow notifications" : "You are notified when a run ends";
  }

  // Each reading of the runs: only what changed since the one before is news.
  note(views) {
    const now = new Map(views.map((view) => [view.key, view]));
    if (this.statuses) {
      for (const [run, view] of now) {
        const before = this.statuses.get(run);
        if (before !== undefined && before !== stateOf(view) && wordOf(view)) this.changed(view);
      }
    }
    this.statuses = new Map([...now].map(([run, view]) => [run, stateOf(view)]));
  }

  changed(view) {
    if (!this.isWanted || this.inView() === view.key) return;
    if (view.status === "failed" && !document.hasFocus()) this.failed += 1;
    this.news.push(view);
    this.timer ||= setTimeout(() => this.tell(), GATHER_MS);
  }

  tell() {
    this.timer = 0;
    const news = this.news.splice(0);
    if (!news.length || globalThis.Notification?.permission !== "granted") return;
    const [first] = news;
    const name = (view) => visible(view.title ?? "").slice(0, CHARS_MAX) || short(view.id);
    const title = news.length === 1 ? `${name(first)} ${wordOf(first)}` : `${news.length} ${news.every(isMogplex) ? "runs" : "feeds"}: ${news.map(wordOf).join(", ")}`;
    const body = news.length === 1 ? visible(first.error ?? "").slice(0, CHARS_MAX) : news.map(name).join("\n").slice(0, 4 * CHARS_MAX);
    const note = new Notification(title.slice(0, 2 * CHARS_MAX), { body, tag: news.length === 1 ? first.key : "runs" });
    note.onclick = () => {
      window.focus();
      this.open(first.key);
      note.close();
    };
  }

  seen() {
    this.failed = 0;
  }

  get titleMark() {
    return this.isWanted && this.failed ? `✗ ${this.failed} · ` : "";
  }
}

const stateOf = (view) => (view.state === "ended" || view.status === "awaiting_input" ? (isMogplex(view) ? view.status : view.phase) : "");

function wordOf(view) {
  if (isMogplex(view)) return WORDS[stateOf(view)];
  return view.status === "archived" ? "was archived" : WORDS_OF_OTHERS[stateOf(view)];
}

function stored() {
  try {
    return localStorage.getItem(WANTED) !== null;
  } catch {
    return false;
  }
}
