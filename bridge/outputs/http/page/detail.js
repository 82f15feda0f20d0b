// One run above the events, and one event beside them.

import { at, button, clock, element, icon, many, rate, setText, span } from "/page/dom.js";
import { failureText } from "/page/records.js";
import { lagText, statusOf } from "/page/runs.js";

const SAID_CHARS_MAX = 2000; // above the record, which has all of it
const RAW_CHARS_MAX = 200000; // of one event on the screen; the copy has all

function fact(name, value, className = "") {
  return element("div", className, element("dt", "", name), element("dd", "", value));
}

async function copy(text, from) {
  const words = from.textContent;
  try {
    await navigator.clipboard.writeText(text);
    from.textContent = "Copied";
  } catch {
    from.textContent = "Not allowed"; // without TLS browsers give the clipboard to loopback only
  }
  setTimeout(() => (from.textContent = words), 1500);
}

export class RunDetail {
  // `act(name, view)`: "close", "follow" or "unfollow".
  constructor(act) {
    this.act = act;
    this.box = at("detail");
  }

  // `view` may be undefined: a run that is not followed can still have events.
  show(runId, view, perSecond) {
    const before = this.box.dataset.run;
    this.box.hidden = !runId;
    this.box.dataset.run = runId;
    if (!runId) return this.box.replaceChildren();
    if (before !== runId || !this.facts) this.build(runId);
    this.write(view, perSecond);
  }

  build(runId) {
    const name = element("h2", "mono", runId);
    const copier = button("Copy", "link", () => copy(runId, copier));
    copier.setAttribute("aria-label", "Copy the run id");
    this.status = element("span", "status badge", icon("wait"), element("span", ""));
    this.change = button("", "quiet", () => this.act(this.change.dataset.act, runId));
    const all = button("All runs", "quiet", () => this.act("close", runId));
    this.note = element("p", "bad");
    this.note.setAttribute("role", "alert");
    this.facts = element("dl", "facts");
    this.trouble = element("p", "trouble");
    const head = element("div", "row", this.status, name, copier, element("span", "push"), this.change, all);
    this.box.replaceChildren(head, this.facts, this.trouble, this.note);
  }

  write(view, perSecond) {
    const [tone, mark, word] = view ? statusOf(view) : ["plain", "begin", "not followed"];
    this.status.dataset.tone = tone;
    this.status.firstChild.replaceWith(icon(mark));
    setText(this.status.lastChild, word);
    const isFollowed = view?.state === "following";
    this.change.dataset.act = isFollowed ? "unfollow" : "follow";
    setText(this.change, isFollowed ? "Stop following" : "Follow");
    this.facts.replaceChildren(...(view ? factsOf(view, perSecond) : []));
    const failure = view ? failureText(view.lastFailure) : "";
    this.trouble.hidden = !failure && !view?.gaps;
    if (!this.trouble.hidden) this.trouble.replaceChildren(...troubleOf(view, failure));
  }

  say(text) {
    if (this.note) setText(this.note, text);
  }
}

function factsOf(view, perSecond) {
  const facts = [
    fact("state", view.state),
    fact("account", view.account),
    fact("events", (view.events ?? 0).toLocaleString("en")),
    fact("gaps", String(view.gaps ?? 0), view.gaps ? "bad" : ""),
  ];
  if (view.state === "following") {
    facts.push(fact("rate", rate(perSecond) + "/s"), fact("lag", lagText(view)), fact("by", view.followedBy ?? "–"));
    if (view.nextRequestInSeconds !== null) facts.push(fact("next read", "in " + span(view.nextRequestInSeconds)));
  }
  if (view.lastEventAt) facts.push(fact("last event", clock(view.lastEventAt).slice(0, 8)));
  return facts;
}

function troubleOf(view, failure) {
  const words = [];
  if (view.gaps) words.push(`${many(view.gaps, "gap")}: events are missing that could not be fetched`);
  if (failure) words.push(`${view.state === "failed" ? "given up" : "last failure"}: ${failure}`);
  return [icon("gap"), element("span", "", words.join(" · "))];
}

export class Inspector {
  constructor(onClose, onRun) {
    this.box = at("inspector");
    this.onClose = onClose;
    this.onRun = onRun;
    this.event = null;
  }

  get isOpen() {
    return this.event !== null;
  }

  show(event) {
    this.event = event;
    document.body.classList.toggle("inspecting", event !== null);
    this.box.hidden = event === null;
    this.box.replaceChildren(...(event ? this.parts(event) : []));
    this.box.scrollTop = 0;
  }

  parts(event) {
    const record = JSON.parse(event.raw);
    const title = element("h2", "", event.kind);
    title.id = "inspector-title";
    const badge = element("span", "badge", icon(event.mark));
    badge.dataset.tone = event.tone;
    const close = button("Close", "quiet", () => this.onClose());
    const head = element("div", "row", badge, title, element("span", "push"), close);
    const said = (String(record.data?.message ?? "") || event.text).slice(0, SAID_CHARS_MAX);
    const parts = [head, element("p", "said", said), this.facts(record, event)];
    const output = record.data?.payload?.output;
    if (typeof output === "string" && output) {
      parts.push(element("h3", "", "Output"), pre(output));
    }
    const copier = button("Copy", "link", () => copy(event.raw, copier));
    copier.setAttribute("aria-label", "Copy the record");
    parts.push(element("div", "row", element("h3", "", "Record"), element("span", "push"), copier));
    parts.push(pre(JSON.stringify(record, null, 2)));
    return parts;
  }

  facts(record, event) {
    const list = element("dl", "facts");
    const late = (new Date(record.recordedtime) - new Date(record.time)) / 1000;
    if (event.tool) list.append(fact("tool", event.tool));
    list.append(fact("time", clock(event.time)));
    if (Number.isFinite(late)) list.append(fact("kept after", span(Math.max(0, late))));
    if (record.sequence) list.append(fact("sequence", String(Number(record.sequence))));
    if (record.runstatus) list.append(fact("run is", record.runstatus));
    if (event.run) {
      const link = button(event.run, "link mono", () => this.onRun(event.run));
      list.append(fact("run", link, "whole"));
    }
    return list;
  }
}

function pre(text) {
  const cut = text.length > RAW_CHARS_MAX ? text.slice(0, RAW_CHARS_MAX) + "\n… (Copy has all of it)" : text;
  const made = element("pre", "", cut);
  made.tabIndex = 0; // it scrolls
  return made;
}
