// The followed feeds, which are runs for most readers: read again every few seconds, with the rate of each from one reading to the next.

import { Refused, ask, isClosed } from "/page/access.js";
import { isMogplex, keyOf, pathOf, placeOf, viewsOf } from "/page/feeds.js";
import { at, dot, element, icon, many, rate, setIcon, setText, short, span, spark, sparkline } from "/page/dom.js";
import { failureText } from "/page/records.js";
import { visible } from "/page/visible.js";

const EVERY_MS = 2000;
const REST = 20; // a reading that takes t is followed by 20 t of rest, so that long lists cost no more than 5 %
const SHOWN_MAX = 200; // the newest; more names cannot be told apart anyway
const BARS = 30; // readings in a spark line: the last minute
const RATE_READINGS = 8; // the rate is over so many readings, 16 s

const GROUPS = [
  ["failed", "Follow failed"],
  ["following", "Following"],
  ["ended", "Ended"],
  ["stopped", "Stopped"],
];
// word -> tone and icon; a word that is not here is shown as it is.
const STATUS = {
  __proto__: null,
  pending: ["plain", "wait"],
  streaming: ["calm", "tool"],
  awaiting_input: ["warn", "wait"],
  success: ["good", "done"],
  failed: ["bad", "fail"],
  cancelled: ["warn", "stop"],
};

// The same for other systems: the states that all have in common.
const PHASE = {
  __proto__: null,
  pending: STATUS.pending,
  running: STATUS.streaming,
  waiting: STATUS.awaiting_input,
  succeeded: STATUS.success,
  failed: STATUS.failed,
  cancelled: STATUS.cancelled,
};

const OVER = new Set(["succeeded", "failed", "cancelled"]);

export const isOver = (view) => OVER.has(view.phase);

// Tone, icon and word of a feed: a run's status, of other systems the state in the words of all.
export function statusOf(view) {
  if (view.state === "failed") return ["bad", "fail", "follow failed"];
  if (view.status === null || view.status === undefined) {
    // A stream without a row, as a tenant's, has no status but life.
    return !isMogplex(view) && view.followedBy ? ["calm", "tool", "live"] : ["plain", "begin", "not read yet"];
  }
  if (isMogplex(view)) return [...(STATUS[view.status] ?? ["plain", "begin"]), view.status];
  return [...(PHASE[view.phase] ?? ["plain", "begin"]), view.phase ?? view.status];
}

// A feed of another system beside its state: what it is, and upstream's own word.
export const whatOf = (view) => (isMogplex(view) ? "" : [view.kind, view.status === view.phase ? "" : view.status].filter(Boolean).join(" · "));

export function lagText(view) {
  if (view.state !== "following") return "";
  if (isOver(view)) return "confirming that it ended";
  if (["stream", "sse", "websocket"].includes(view.followedBy)) return "live";
  return view.lagSeconds === null ? "waits for its turn" : span(view.lagSeconds) + " behind";
}

class Pace {
  constructor(events, atMs) {
    this.readings = [[atMs, events]];
  }

  note(events, atMs) {
    this.readings.push([atMs, events]);
    if (this.readings.length > BARS + 1) this.readings.shift();
  }

  get perSecond() {
    const [fromMs, from] = this.readings.at(-RATE_READINGS) ?? this.readings[0];
    const [untilMs, until] = this.readings.at(-1);
    return untilMs > fromMs ? Math.max(0, ((until - from) * 1000) / (untilMs - fromMs)) : 0;
  }

  get bars() {
    const steps = this.readings.slice(1).map(([, events], index) => Math.max(0, events - this.readings[index][1]));
    return [...Array(BARS - steps.length).fill(0), ...steps];
  }
}

export class Runs {
  // `onSelect(key | "")`: a reader chose a run; `onRead(runs)`: there is a new reading;
  // `onFail(why)`: there is none.
  constructor(onSelect, onRead, onFail) {
    this.onSelect = onSelect;
    this.onRead = onRead;
    this.onFail = onFail;
    this.views = [];
    this.paces = new Map();
    this.cards = new Map();
    this.selected = "";
    this.box = at("runs");
    this.box.addEventListener("click", (event) => {
      const run = event.target.closest("button")?.dataset.run;
      if (run !== undefined) this.onSelect(run === this.selected ? "" : run);
    });
    this.box.addEventListener("keydown", (event) => this.moved(event));
    at("follow").addEventListener("submit", (event) => {
      event.preventDefault();
      this.followTyped();
    });
    at("follow-id").addEventListener("input", () => setText(at("follow-note"), ""));
    this.chosenAccount = ""; // by a person, among those that may change
    at("follow-account").addEventListener("change", (event) => (this.chosenAccount = event.target.value));
  }

  async keepReading() {
    const begun = performance.now();
    if (!document.hidden && !isClosed()) await this.read();
    setTimeout(() => this.keepReading(), EVERY_MS + REST * Math.min(1000, performance.now() - begun));
  }

  async read() {
    try {
      const { feeds } = await (await ask("/v1/feeds")).json();
      this.note(viewsOf(feeds));
    } catch (error) {
      const why = error instanceof Refused ? error.message : "the bridge does not answer";
      setText(at("runs-note"), error instanceof Refused ? error.message : "cannot be read now");
      this.onFail(why);
    }
  }

  note(views) {
    const now = performance.now();
    const paces = new Map();
    for (const view of views) {
      const pace = this.paces.get(view.key) ?? new Pace(view.events, now);
      if (this.paces.has(view.key)) pace.note(view.events, now);
      paces.set(view.key, pace);
    }
    this.paces = paces;
    this.views = views;
    this.draw();
    this.onRead(this);
  }

  // By its key; one that names no account finds what only one account has had when it was made.
  find(key) {
    const exact = this.views.find((view) => view.key === key);
    if (exact || !key) return exact;
    const place = placeOf(key);
    return this.views.find((view) => view.kind === place.kind && view.id === place.id && (!place.account || place.account === view.account));
  }

  // The key of the feed that a record belongs to.
  keyOf = (feed) => this.views.find((view) => view.kind === feed.kind && view.id === feed.id && view.account === feed.account)?.key ?? keyOf(feed);

  perSecond = (key) => this.paces.get(this.find(key)?.key)?.perSecond ?? 0;

  get total() {
    let perSecond = 0;
    const bars = Array(BARS).fill(0);
    for (const pace of this.paces.values()) {
      perSecond += pace.perSecond;
      pace.bars.forEach((count, index) => (bars[index] += count));
    }
    return { perSecond, bars };
  }

  select(key) {
    this.selected = key;
    this.draw();
  }

  draw() {
    const focused = this.box.contains(document.activeElement) ? document.activeElement.dataset.run : undefined;
    const shown = this.views.slice(0, SHOWN_MAX);
    const children = [];
    const used = new Set();
    for (const [state, title] of GROUPS) {
      const group = shown.filter((view) => view.state === state);
      if (!group.length) continue;
      children.push(this.heading(state, title, this.views.filter((view) => view.state === state).length));
      const list = this.list(state, title);
      const cards = group.map((view) => this.card(view));
      group.forEach((view) => used.add(view.key));
      replace(list, cards);
      children.push(list);
    }
    for (const key of this.cards.keys()) if (!used.has(key)) this.cards.delete(key);
    if (!children.length) children.push(empty());
    replace(this.box, children);
    const buttons = [...this.box.querySelectorAll("button")];
    const home = buttons.find((b) => b.dataset.run === (focused ?? this.selected)) ?? buttons[0];
    for (const one of buttons) one.tabIndex = one === home ? 0 : -1;
    if (focused !== undefined && document.activeElement !== home) home?.focus();
    const rest = this.views.length - shown.length;
    setText(at("runs-note"), rest > 0 ? `${many(this.views.length, this.hasOthers ? "feed" : "run")}, the newest ${SHOWN_MAX} shown` : "");
  }

  heading(state, title, count) {
    this.headings ??= new Map();
    if (!this.headings.has(state)) this.headings.set(state, element("h3", "", title + " ", element("span", "")));
    const made = this.headings.get(state);
    setText(made.lastChild, String(count));
    return made;
  }

  list(state, title) {
    this.lists ??= new Map();
    if (!this.lists.has(state)) {
      const made = element("ul", "");
      made.setAttribute("aria-label", title);
      this.lists.set(state, made);
    }
    return this.lists.get(state);
  }

  card(view) {
    if (!this.cards.has(view.key)) this.cards.set(view.key, new Card(view));
    const card = this.cards.get(view.key);
    card.write(view, this.paces.get(view.key), view.key === this.selected);
    return card.item;
  }

  moved(event) {
    const buttons = [...this.box.querySelectorAll("button")];
    const now = buttons.indexOf(document.activeElement);
    const next = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (now < 0 || next === undefined || !buttons[next]) return;
    event.preventDefault();
    for (const one of buttons) one.tabIndex = -1;
    buttons[next].tabIndex = 0;
    buttons[next].focus();
  }

  async followTyped() {
    const id = at("follow-id").value.trim();
    const account = at("follow-account").hidden ? "" : at("follow-account").value;
    const note = await this.follow(id, account);
    setText(at("follow-note"), note);
    if (note) at("follow-id").focus();
    else at("follow-id").value = "";
  }

  // Both return "" or why not.
  follow = (key, account = "") => this.change("PUT", key, account ? { account } : {});

  unfollow = (key) => this.change("DELETE", key, {});

  async change(method, key, more) {
    try {
      await ask(pathOf(key, more), { method });
    } catch (error) {
      return error instanceof Refused ? error.message : "the bridge does not answer";
    }
    await this.read();
    return "";
  }

  // Whether anything but runs of Mogplex is followed.
  get hasOthers() {
    return this.views.some((view) => !isMogplex(view));
  }

  // Those of Mogplex: runs of others are not started here.
  get accountNames() {
    const own = this.views.filter(isMogplex);
    return [...new Set(own.map((view) => view.account))].sort();
  }

  showAccounts() {
    setText(at("runs-title"), this.hasOthers ? "Feeds" : "Runs");
    at("follow-id").placeholder = this.hasOthers ? "Run id, or KIND:ID" : "Run id to follow";
    // Those of runs first: an id without a kind is a run's.
    const names = [...new Set([...this.accountNames, ...this.views.map((view) => view.account).sort()])];
    const select = at("follow-account");
    select.hidden = names.length < 2;
    if ([...select.options].map((option) => option.value).join() === names.join()) return;
    select.replaceChildren(...names.map((name) => new Option(name)));
    if (names.includes(this.chosenAccount)) select.value = this.chosenAccount;
  }
}

// New children, without touching those that stand where they should.
function replace(parent, children) {
  children.forEach((child, index) => {
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  });
  while (parent.children.length > children.length) parent.lastElementChild.remove();
}

function empty() {
  const how = element("code", "", "curl -X PUT …/v1/runs/{id}");
  return element("p", "empty", "No run is followed yet. Enter its id above, or ", how, ".");
}

class Card {
  constructor(view) {
    this.mark = icon("wait");
    this.name = element("span", "name mono", dot(view.key), short(view.id));
    this.title = element("bdi", "title");
    this.status = element("span", "status", this.mark, element("span", ""));
    this.line = sparkline("small", 60, 14);
    this.facts = element("span", "facts");
    this.flag = element("span", "flag");
    const top = element("span", "row", this.status, this.name, this.line);
    this.button = element("button", "run-card", top, this.title, element("span", "row", this.facts, this.flag));
    this.button.type = "button";
    this.button.dataset.run = view.key;
    this.button.title = view.id;
    this.item = element("li", "", this.button);
  }

  write(view, pace, isSelected) {
    const [tone, mark, word] = statusOf(view);
    this.button.dataset.tone = tone;
    this.title.hidden = !view.title;
    setText(this.title, visible(view.title ?? ""));
    this.button.setAttribute("aria-current", isSelected);
    setIcon(this.mark, mark);
    setText(this.status.lastChild, word);
    const facts = [whatOf(view), many(view.events ?? 0, "event")].filter(Boolean);
    if (view.state === "following" && !isOver(view)) facts.push(rate(pace.perSecond) + "/s");
    if (view.state === "following") facts.push(lagText(view));
    setText(this.facts, facts.join(" · "));
    this.line.firstChild.setAttribute("d", view.state === "following" ? spark(pace.bars, 60, 14) : "");
    const flags = [];
    if (view.gaps) flags.push(many(view.gaps, "gap"));
    if (view.lastFailure) flags.push(view.state === "failed" ? view.lastFailure.code : "failing");
    setText(this.flag, flags.join(", "));
    this.flag.title = failureText(view.lastFailure);
  }
}
