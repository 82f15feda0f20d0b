// What a tool printed: folded when it is long, coloured as the program coloured it, diffs as diffs.

import { linesOf, plainText } from "/page/ansi.js";
import { button, element } from "/page/dom.js";

const LONG_LINES = 200;
const LONG_CHARS = 16 * 1024;
const HEAD_LINES = 10;
const TAIL_LINES = 20;
const COLOUR_CHARS_MAX = 256 * 1024; // longer outputs are shown without colours
const LINE_PX = 19; // as in story.css
const SCROLLER_LINES = 400; // from here on only lines in sight exist
const SPARE_LINES = 20;

const DIFF_HEAD = /^(diff --git |--- |\+\+\+ |@@ )/m;

// `mode`: "tail" (the last lines), "fold" (both ends when it is long) or "all".
export function outputNodes(text, mode, isDiff, change) {
  if (!text) return [];
  const isColoured = text.length <= COLOUR_CHARS_MAX && text.includes("\x1b");
  const lines = isColoured || /[\r\b\x1b]/.test(text.slice(0, COLOUR_CHARS_MAX)) ? cells(text) : text.replace(/\n$/, "").split("\n").map((line) => [[line, ""]]);
  const diff = isDiff || DIFF_HEAD.test(text.slice(0, 4000));
  const make = (line) => lineElement(line, diff);
  const isLong = lines.length > LONG_LINES || text.length > LONG_CHARS;
  const all = button(`Show all ${lines.length.toLocaleString("en")} lines`, "link small", () => change("all"));
  if (mode === "tail" && lines.length > TAIL_LINES) {
    const before = lines.length - TAIL_LINES;
    return [element("p", "more", `${before.toLocaleString("en")} lines before · `, all), pre(lines.slice(-TAIL_LINES).map(make))];
  }
  if (mode !== "all" && isLong && lines.length > HEAD_LINES + TAIL_LINES) {
    const between = lines.length - HEAD_LINES - TAIL_LINES;
    return [
      pre(lines.slice(0, HEAD_LINES).map(make)),
      element("p", "more", `${between.toLocaleString("en")} lines between · `, all),
      pre(lines.slice(-TAIL_LINES).map(make)),
    ];
  }
  if (lines.length > SCROLLER_LINES) return [fewer(change), new Lines(lines, make).box];
  return [mode === "all" && isLong ? fewer(change) : null, pre(lines.map(make))];
}

const cells = (text) => (text.length > COLOUR_CHARS_MAX ? plainText(text).split("\n").map((line) => [[line, ""]]) : linesOf(text));

const fewer = (change) => element("p", "more", button("Show less", "link small", () => change("fold")));

function pre(lines) {
  const made = element("pre", "out", ...lines);
  made.tabIndex = 0; // it may scroll sideways
  made.setAttribute("role", "group");
  made.setAttribute("aria-label", "Output");
  return made;
}

function lineElement(line, isDiff) {
  const made = element("span", "line");
  if (isDiff) {
    const first = line[0]?.[0] ?? "";
    const kind = /^(\+\+\+|---|diff )/.test(first) ? "d-head" : first[0] === "+" ? "d-add" : first[0] === "-" ? "d-del" : first.startsWith("@@") ? "d-at" : "";
    if (kind) made.classList.add(kind);
  }
  for (const [text, classes] of line) made.append(classes ? element("span", classes, text) : text);
  made.append("\n");
  return made;
}

// Of a very long output only the lines in sight exist; they have one height and do not wrap.
class Lines {
  constructor(lines, make) {
    Object.assign(this, { lines, make });
    this.room = element("div", "room");
    this.room.style.height = lines.length * LINE_PX + "px";
    this.view = element("pre", "out view");
    this.room.append(this.view);
    this.box = element("div", "lines", this.room);
    this.box.tabIndex = 0;
    this.box.setAttribute("role", "group");
    this.box.setAttribute("aria-label", `Output, ${lines.length.toLocaleString("en")} lines`);
    this.box.addEventListener("scroll", () => requestAnimationFrame(() => this.draw()), { passive: true });
    requestAnimationFrame(() => this.draw());
  }

  draw() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / LINE_PX) - SPARE_LINES);
    const count = Math.ceil((this.box.clientHeight || 400) / LINE_PX) + 2 * SPARE_LINES;
    if (this.first === first) return;
    this.first = first;
    this.view.style.transform = `translateY(${first * LINE_PX}px)`;
    this.view.replaceChildren(...this.lines.slice(first, first + count).map(this.make));
  }
}
