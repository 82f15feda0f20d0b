// One event beside the others.

import { at, button, clock, element, icon, span } from "/page/dom.js";

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
    const said = (String(record.data?.message ?? record.data?.text ?? "") || event.text).slice(0, SAID_CHARS_MAX);
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
    if (record.runstatus) list.append(fact(`${event.feed.kind} is`, record.runstatus));
    if (event.run) {
      const link = button(event.run, "link mono", () => this.onRun(event.feed));
      list.append(fact(event.feed.kind, link, "whole"));
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
