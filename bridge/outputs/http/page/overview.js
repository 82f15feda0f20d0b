// What goes on now: a card for each active feed, then what failed, then what ended.

import { at, elapsed, element, icon, many, moment, rate, setIcon, setText, short, span, dot } from "/page/dom.js";
import { serverNow } from "/page/access.js";
import { isMogplex } from "/page/feeds.js";
import { failureText } from "/page/records.js";
import { isOver, statusOf, whatOf } from "/page/runs.js";
import { visible } from "/page/visible.js";

const WORDS_CHARS = 90; // of the last words: two lines of a card
const SHOWN_MAX = 60; // cards of one group
const GROUPS = [
  ["active", "Active"],
  ["failed", "Failed"],
  ["ended", "Ended"],
];
const SORTS = {
  newest: (a, b) => key(b.startedAt ?? b.addedAt) - key(a.startedAt ?? a.addedAt),
  name: (a, b) => (a.title ?? "~").localeCompare(b.title ?? "~"),
  last: (a, b) => key(b.lastEventAt) - key(a.lastEventAt),
  events: (a, b) => (b.events ?? 0) - (a.events ?? 0),
};

const key = (iso) => Date.parse(iso ?? "") || 0;

export function groupOf(view) {
  if (view.state === "failed" || view.phase === "failed") return "failed";
  return view.state === "following" && !isOver(view) ? "active" : "ended";
}

// Does a feed have this in its title, id, kind, branch, account, speaker or reason?
export function isSought(view, text) {
  const wished = text.trim().toLowerCase();
  if (!wished) return true;
  return [view.title, view.id, view.kind, view.branch, view.account, view.harness, view.lastSpeaker, view.error, view.status].some((value) => String(value ?? "").toLowerCase().includes(wished));
}

export class Overview {
  // `open(run)`: a reader chose one.
  constructor(open) {
    this.cards = new Map();
    this.box = at("now-groups");
    this.views = null;
    this.box.addEventListener("click", (event) => {
      const run = event.target.closest("button.now-card")?.dataset.run;
      if (run) open(run);
    });
    at("now-bar").addEventListener("submit", (event) => event.preventDefault());
    at("now-bar").addEventListener("input", () => this.draw());
    setInterval(() => this.tick(), 1000);
  }

  note(views, perSecond) {
    this.views = views;
    this.perSecond = perSecond;
    if (!at("now").hidden) this.draw();
  }

  // `why`: the runs cannot be read.
  fail(why) {
    if (this.views === null) this.say(`The runs cannot be loaded: ${why}.`);
  }

  draw() {
    if (this.views === null) return this.say("Loading runs …");
    const fields = at("now-bar").elements;
    this.offerKinds(fields.kind);
    const isWanted = (view) => (!fields.kind.value || view.kind === fields.kind.value) && isSought(view, fields.find.value);
    const found = this.views.filter(isWanted).sort(SORTS[fields.sort.value] ?? SORTS.newest);
    const children = [];
    const used = new Set();
    for (const [group, title] of GROUPS) {
      if (fields.group.value && fields.group.value !== group) continue;
      const views = found.filter((view) => groupOf(view) === group);
      if (!views.length) continue;
      const rest = views.length > SHOWN_MAX ? `, the first ${SHOWN_MAX} shown` : "";
      const list = element("ul", "now-list");
      list.setAttribute("aria-label", title);
      for (const view of views.slice(0, SHOWN_MAX)) {
        used.add(view.key);
        list.append(this.card(view, group));
      }
      children.push(element("h3", "", `${title} `, element("span", "count", `${views.length}${rest}`)), list);
    }
    for (const run of this.cards.keys()) if (!used.has(run)) this.cards.delete(run);
    const focused = document.activeElement?.dataset?.run;
    this.box.replaceChildren(...children);
    if (focused) this.cards.get(focused)?.button.focus();
    this.say(children.length ? "" : this.views.length ? "No run matches." : "No run is followed yet. Enter a run id in the field on the left, or start the bridge with --run ID.");
    this.tick();
  }

  // A choice of kinds, as soon as there is more than one.
  offerKinds(select) {
    const kinds = [...new Set(this.views.map((view) => view.kind))].sort();
    select.parentElement.hidden = kinds.length < 2;
    if ([...select.options].slice(1).map((option) => option.value).join() === kinds.join()) return;
    const chosen = select.value;
    select.replaceChildren(new Option("All kinds", ""), ...kinds.map((kind) => new Option(kind)));
    select.value = kinds.includes(chosen) ? chosen : "";
  }

  say(words) {
    at("now-note").hidden = !words;
    setText(at("now-note"), words);
  }

  card(view, group) {
    if (!this.cards.has(view.key)) this.cards.set(view.key, new NowCard(view));
    const card = this.cards.get(view.key);
    card.write(view, group, this.perSecond(view.key));
    return card.item;
  }

  tick() {
    if (document.hidden || at("now").hidden) return;
    const now = this.stoppedAt ?? serverNow();
    for (const timer of this.box.querySelectorAll("[data-since]")) setText(timer, elapsed((now - Date.parse(timer.dataset.since)) / 1000));
  }
}

const oneLine = (text) => (text ?? "").replace(/\s+/g, " ").trim();

const bareWords = (text) => visible(oneLine(text).replace(/[*`#_]+(?=\S)|(?<=\S)[*`_]+/g, ""));

// The end of what was said, without the marks of its Markdown.
function lastWords(text) {
  const bare = bareWords(text);
  if (bare.length <= WORDS_CHARS) return bare;
  const end = bare.slice(-WORDS_CHARS);
  return "… " + end.slice(end.indexOf(" ") + 1);
}

// Who said it stands before it: a sentence of a conversation is read from its beginning.
function lastSaid(view) {
  const { lastText, lastSpeaker } = view;
  if (!lastSpeaker) return lastWords(lastText);
  return `${visible(lastSpeaker)}: ${bareWords(lastText)}`;
}

const TYPES_SHOWN = 3;

// "12 message, 3 question" and "2 threads" of a space; the exit code of a sandbox's last command.
function saidIn({ messageTypes, threads, lastExitCode, currentTool }) {
  const types = Object.entries(messageTypes ?? {});
  const words = types.slice(0, TYPES_SHOWN).map(([word, count]) => `${count.toLocaleString("en")} ${visible(word)}`);
  const facts = words.length ? [words.join(", ") + (types.length > TYPES_SHOWN ? " …" : "")] : [];
  if (threads) facts.push(many(threads, "thread"));
  if (Number.isInteger(lastExitCode) && !currentTool) facts.push(`exit ${lastExitCode}`);
  return facts;
}

class NowCard {
  constructor(view) {
    this.mark = icon("wait");
    this.status = element("span", "status", this.mark, element("span", ""));
    this.title = element("bdi", "now-title");
    this.lasted = element("span", "lasted");
    this.where = element("bdi", "where mono");
    this.tool = element("span", "now-tool mono");
    this.text = element("bdi", "now-text");
    this.facts = element("span", "facts");
    const head = element("span", "row", this.status, element("span", "push"), this.lasted);
    this.button = element("button", "now-card", head, this.title, this.where, this.tool, this.text, this.facts);
    this.button.type = "button";
    this.button.dataset.run = view.key;
    this.item = element("li", "", this.button);
  }

  write(view, group, perSecond) {
    const [tone, mark, word] = statusOf(view);
    this.button.dataset.tone = tone;
    setIcon(this.mark, mark);
    setText(this.status.lastChild, word);
    setText(this.title, visible(view.title ?? short(view.id)));
    this.where.replaceChildren(dot(view.key), visible([whatOf(view), short(view.id), view.branch, view.harness, isMogplex(view) ? "" : view.account].filter(Boolean).join(" · ")));
    const isActive = group === "active";
    if (isActive && view.startedAt) {
      this.lasted.dataset.since = view.startedAt;
    } else {
      delete this.lasted.dataset.since;
      setText(this.lasted, Number.isFinite(view.durationSeconds) ? span(view.durationSeconds) : "");
    }
    const tool = isActive ? view.currentTool : null;
    this.tool.hidden = !tool;
    if (tool) {
      const timer = element("span", "timer");
      if (tool.since) timer.dataset.since = tool.since;
      this.tool.replaceChildren(icon("tool"), element("bdi", "cut", visible([tool.name, tool.title].filter(Boolean).join(" "))), timer);
    }
    const reason = view.error ?? failureText(view.lastFailure);
    const text = group === "failed" ? reason || view.lastText : view.lastText;
    this.text.hidden = !text;
    setText(this.text, group === "failed" ? visible(oneLine(text)) : lastSaid(view));
    const facts = [...saidIn(view), many(view.events ?? 0, "event")];
    if (isActive) facts.push(rate(perSecond) + "/s");
    if (view.gaps) facts.push(many(view.gaps, "gap"));
    if (view.endedAt) facts.push("ended " + moment(view.endedAt));
    setText(this.facts, facts.join(" · "));
  }
}
