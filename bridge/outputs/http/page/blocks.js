// One block of a story as an element: made once, brought up to date as the block changes.

import { button, day, element, icon, setHue, setIcon, setText, short, span, time } from "/page/dom.js";
import { Speech, copyButton } from "/page/nodes.js";
import { outputNodes } from "/page/output.js";
import { textOf } from "/page/story.js";
import { visible, visibleProse } from "/page/visible.js";

const TOOL_MARKS = { __proto__: null, read_file: "file", edit_file: "edit", write_file: "edit", search: "search", grep: "search" };
const STATE = {
  __proto__: null,
  running: ["calm", "tool", "running"],
  ok: ["good", "done", ""],
  failed: ["bad", "fail", "failed"],
  denied: ["warn", "stop", "denied"],
  unfinished: ["warn", "stop", "did not finish"],
};
const NOTE_CHARS_MAX = 4000;
const WHOLE_CHARS = 60; // a longer command may be cut in its row

export class Blocks {
  // `act`: what a reader may do with a block: toggle(block), show(block, mode), link(block),
  // record(block), seek(block). `isOpen(block)` and `modeOf(block)` say how it stands.
  constructor(act, isOpen, modeOf) {
    Object.assign(this, { act, isOpen, modeOf });
    this.make = this.make.bind(this);
    this.update = this.update.bind(this);
  }

  make(block) {
    const made = element("article", `block ${block.kind}`);
    made.tabIndex = -1;
    made.dataset.number = block.number;
    made.stamp = element("span", "stamp");
    made.stamp.tabIndex = -1;
    made.body = element("div", "body");
    made.append(made.stamp, made.body);
    MAKE[block.kind]?.call(this, made, block);
    return made;
  }

  update(made, block) {
    made.stamp.textContent = time(block.at, this.clockFrom);
    made.stamp.title = Number.isFinite(block.at) ? new Date(block.at).toISOString() : "";
    made.dataset.day = block.newDay ? day(block.at) : "";
    made.setAttribute("aria-label", nameOf(block));
    made.classList.toggle("hit", block.isHit === true);
    made.classList.toggle("aim", block.isAim === true);
    UPDATE[block.kind]?.call(this, made, block);
  }

  codeBox = (text, language) => {
    const diff = language === "diff" || language === "patch";
    const box = element("div", "code", ...outputNodes(visibleLines(text), "all", diff, () => {}));
    box.append(copyButton("code", () => text));
    return box;
  };

  details(made, block) {
    const isOpen = this.isOpen(block);
    made.head.setAttribute("aria-expanded", String(isOpen));
    made.more.hidden = !isOpen;
    if (!isOpen) return made.more.replaceChildren();
    const mode = this.modeOf(block);
    const isDiff = block.name === "edit_file" || /diff/.test(block.title ?? "");
    const output = outputNodes(visibleLines(block.output ?? ""), mode, isDiff, (next) => this.act.show(block, next));
    const cut = block.cut ? element("p", "more", `Upstream cut ${block.cut.toLocaleString("en")} characters here; nobody has them.`) : null;
    const said = block.said && !block.said.startsWith(block.title) ? element("p", "said", visible(block.said)) : null;
    const whole = block.title.length > WHOLE_CHARS ? element("p", "whole mono", visible(block.title)) : null;
    const nothing = !block.output && block.state !== "running" ? element("p", "more", "No output.") : null;
    const tools = element(
      "p",
      "acts",
      block.title ? copyButton("the command", () => block.title) : null,
      block.output ? copyButton("the output", () => block.output, "Copy output") : null,
      button("Link", "link small", () => this.act.link(block)),
      button("Records", "link small", () => this.act.record(block)),
    );
    made.more.replaceChildren(...[whole, said, ...output, cut, nothing, tools].filter(Boolean));
  }
}

const MAKE = {
  say(made, block) {
    made.speech = new Speech(made.body, this.codeBox);
    made.body.classList.add("speech");
    made.append(element("p", "acts", copyButton("the text", () => textOf(block)), button("Link", "link small", () => this.act.link(block))));
  },
  tool(made, block) {
    made.mark = icon("tool");
    made.name = element("span", "tool-name");
    made.title_ = element("bdi", "tool-title mono");
    made.verdict = element("span", "verdict");
    made.head = button("", "tool-head", () => this.act.toggle(block));
    made.head.append(made.mark, made.name, made.title_, made.verdict);
    made.more = element("div", "details");
    made.body.append(made.head, made.more);
  },
  talk(made, block) {
    made.who = element("bdi", "who", visible(block.who));
    const tint = element("span", "tint");
    setHue(tint, `speaker ${block.who}`);
    const head = element("p", "talk-head", tint, made.who, block.what ? element("span", "chip", visible(block.what)) : null);
    if (block.thread) head.append(element("span", "chip thread", `thread ${visible(short(block.thread))}`));
    if (block.answers) head.append(button(answerWords(block.answers), "link small answers", () => this.act.seek(block.answers)));
    else if (block.parent) head.append(element("span", "small", "↳ answers an earlier message"));
    made.said = element("div", "speech");
    made.speech = new Speech(made.said, this.codeBox);
    made.body.append(head, made.said);
    made.append(element("p", "acts", copyButton("the text", () => textOf(block)), button("Link", "link small", () => this.act.link(block))));
  },
  log(made) {
    made.lines = element("div", "");
    made.body.append(made.lines);
  },
  end(made, block) {
    made.mark = icon("end");
    made.words = element("p", "ending");
    made.numbers = element("p", "numbers");
    made.failed = element("p", "");
    made.body.append(element("div", "row", made.mark, made.words), made.numbers, made.failed);
    made.failed.append(button("", "link", () => block.failedCall && this.act.seek(block.failedCall)));
  },
};

const MARKS = { note: "log", progress: "log", gap: "gap", wait: "wait", begin: "begin" };

for (const [kind, mark] of Object.entries(MARKS)) {
  MAKE[kind] = function (made) {
    made.text = element("p", "text");
    made.body.append(icon(mark), made.text);
  };
}

const UPDATE = {
  say(made, block) {
    made.speech.write(visibleProse(textOf(block)), block.isOpen === true);
  },
  tool(made, block) {
    const [tone, mark, word] = STATE[block.state] ?? STATE.ok;
    made.dataset.tone = tone;
    setIcon(made.mark, block.state === "ok" ? (TOOL_MARKS[block.name] ?? "tool") : mark);
    setText(made.name, block.isTerminal ? "$" : visible(block.name));
    setText(made.title_, visible(block.title));
    made.verdict.replaceChildren(...verdictOf(block, word));
    this.details(made, block);
  },
  talk(made, block) {
    made.speech.write(visibleProse(block.text), false);
  },
  log(made, block) {
    made.lines.replaceChildren(...outputNodes(visibleLines(block.output), this.modeOf(block), false, (next) => this.act.show(block, next)).filter(Boolean));
  },
  end(made, block) {
    const tone = { success: "good", succeeded: "good", failed: "bad" }[block.state || block.status] ?? "warn";
    made.dataset.tone = tone;
    setIcon(made.mark, { good: "done", bad: "fail", warn: "stop" }[tone]);
    setText(made.words, endWords(block));
    setText(made.numbers, numbersOf(block.numbers));
    made.failed.hidden = tone !== "bad" || !block.failedCall;
    if (block.failedCall) setText(made.failed.firstChild, `Last failed call: ${visible(block.failedCall.name)} ${visible(block.failedCall.title)}`);
  },
};

for (const kind of Object.keys(MARKS)) {
  UPDATE[kind] = function (made, block) {
    made.dataset.tone = kind === "gap" ? "bad" : kind === "wait" && !block.isOver ? "warn" : (block.tone ?? "plain");
    setText(made.text, visibleProse(block.text.slice(0, NOTE_CHARS_MAX)));
  };
}

function verdictOf(block, word) {
  const parts = [];
  if (block.added !== null && block.added !== undefined) {
    parts.push(element("span", "d-add", `+${block.added}`), element("span", "d-del", `−${block.removed}`));
  }
  if (block.state === "running") {
    const timer = element("span", "timer", "");
    timer.dataset.since = block.at;
    parts.push(timer);
    return parts;
  }
  if (block.exit || (block.isTerminal && block.exit === 0)) parts.push(element("span", "exit", `exit ${block.exit}`));
  else if (word) parts.push(element("span", "exit", word));
  if (Number.isFinite(block.lastedMs)) parts.push(element("span", "lasted", span(block.lastedMs / 1000)));
  if (block.isLate) parts.push(element("span", "lasted", "start not seen"));
  return parts;
}

export function endWords(block) {
  const reason = block.reason && block.status !== "success" && block.state !== "succeeded" ? `: ${visible(block.reason)}` : "";
  return `${block.status} after ${span(block.lastedMs / 1000)}${reason}`;
}

export function numbersOf({ tools, failed, messages, events, gaps }) {
  const parts = messages && !tools ? [`${messages.toLocaleString("en")} message${messages === 1 ? "" : "s"}`] : [`${tools.toLocaleString("en")} tool call${tools === 1 ? "" : "s"}${failed ? `, ${failed} failed` : ""}`];
  parts.push(`${events.toLocaleString("en")} event${events === 1 ? "" : "s"}`, gaps ? `${gaps} gap${gaps === 1 ? "" : "s"}` : "no gaps");
  return parts.join(" · ");
}

const ANSWER_CHARS = 60;

function answerWords({ who, text }) {
  const line = visible((text ?? "").replace(/\s+/g, " "));
  return `↳ answers ${visible(who ?? "")}: ${line.length > ANSWER_CHARS ? line.slice(0, ANSWER_CHARS) + "…" : line}`;
}

// What a screen reader calls a block.
export function nameOf(block) {
  switch (block.kind) {
    case "tool": {
      const state = { ok: "done", running: "running" }[block.state] ?? STATE[block.state]?.[2] ?? block.state;
      const lasted = Number.isFinite(block.lastedMs) ? `, ${span(block.lastedMs / 1000)}` : "";
      return `${block.name} ${block.title.slice(0, 100)}, ${state}${lasted}`;
    }
    case "say":
      return "The agent says";
    case "talk":
      return `${block.who} says${block.what ? `, ${block.what}` : ""}${block.parent ? ", in answer" : ""}`;
    case "log":
      return "Log";
    case "end":
      return `${block.what ?? "Run"} ended: ${endWords(block)}`;
    default:
      return { gap: "Gap", wait: "Run", begin: "Task", progress: "Progress" }[block.kind] ?? "Note";
  }
}

// The signs of an output that steer a terminal are for ansi.js; what hides in a text is shown.
const visibleLines = (text) => text.replace(/[\u00ad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\u{e0000}-\u{e007f}]/gu, (sign) => visible(sign));
