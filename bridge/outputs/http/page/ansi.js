// What a program wrote to its terminal, as the lines that were on the screen in the end. Pure.
//
// Colours and weights (SGR) are kept, carriage return, backspace and "erase the line" are carried
// out on the cells of the line, everything else that steers a terminal is dropped. Linear in the
// text. The terminal's `outputs/story/ansi.py` does the same; one table of cases tests both.

// A sequence that is whole; one that is cut off matches nothing and stays as text, less its ESC.
const CONTROL = new RegExp(
  [
    "\\x1b\\[([0-?]*)[ -/]*([@-~])",
    "\\x1b\\][^\\x07\\x1b\\n]*(?:\\x07|\\x1b\\\\)", // OSC: titles, links, clipboard
    "\\x1b[PX^_][^\\x1b\\n]*\\x1b\\\\", // DCS, SOS, PM, APC
    "\\x1b[ -/]*[0-Z\\\\^-~]",
    "\\x9b([0-?]*)[ -/]*([@-~])",
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f]|\\n|\\t",
  ].join("|"),
  "g",
);
const TAB = 8;
const MOVE_MAX = 400; // columns that a cursor may be sent to; terminals are not wider

const SWITCHES = {
  1: ["bold", true], 2: ["dim", true], 3: ["italic", true], 4: ["underline", true], 7: ["inverse", true],
  9: ["strike", true], 21: ["underline", true], 23: ["italic", false], 24: ["underline", false],
  27: ["inverse", false], 29: ["strike", false],
};
const NAMES = ["bold", "dim", "italic", "underline", "strike", "inverse"];
const SIXTEEN = [
  [0, 0, 0], [205, 49, 49], [13, 188, 121], [229, 229, 16], [36, 114, 200], [188, 63, 188], [17, 168, 205], [204, 204, 204],
  [102, 102, 102], [241, 76, 76], [35, 209, 139], [245, 245, 67], [59, 142, 234], [214, 112, 214], [41, 184, 219], [255, 255, 255],
];

// Each line is a list of [text, classes]; a newline at the end begins no further line.
export function linesOf(text) {
  const screen = new Screen();
  let at = 0;
  CONTROL.lastIndex = 0;
  for (const match of text.matchAll(CONTROL)) {
    if (match.index > at) screen.put(text.slice(at, match.index));
    at = match.index + match[0].length;
    screen.obey(match);
  }
  if (at < text.length) screen.put(text.slice(at));
  return screen.end();
}

export const plainText = (text) =>
  linesOf(text)
    .map((line) => line.map(([part]) => part).join(""))
    .join("\n");

class Screen {
  constructor() {
    this.done = [];
    this.style = {};
    this.classes = "";
    this.known = new Map();
    this.clear();
  }

  clear() {
    this.line = []; // [text, classes]: what was written without going back
    this.cells = null; // [character, classes] each, once something is written over
    this.column = 0;
    this.length = 0;
  }

  put(text) {
    if (!this.cells && this.column === this.length) {
      const last = this.line.at(-1);
      if (last && last[1] === this.classes) last[0] += text;
      else this.line.push([text, this.classes]);
      this.column = this.length += text.length;
      return;
    }
    this.spread();
    while (this.cells.length < this.column) this.cells.push([" ", ""]);
    for (const unit of text.split("")) this.cells[this.column++] = [unit, this.classes];
    this.length = this.cells.length;
  }

  spread() {
    this.cells ??= this.line.flatMap(([text, classes]) => text.split("").map((unit) => [unit, classes]));
  }

  obey(match) {
    const control = match[0];
    if (control === "\n") this.endLine();
    else if (control === "\r") this.column = 0;
    else if (control === "\t") this.put(" ".repeat(TAB - (this.column % TAB)));
    else if (control === "\b") this.column = Math.max(0, this.column - 1);
    else this.sequence(match[2] ?? match[4], match[1] ?? match[3] ?? "");
  }

  sequence(final, args) {
    if (final === "m") this.restyle(args);
    else if (final === "K") this.erase(args);
    else if (final === "G") this.column = Math.max(0, Math.min(number(args, 1) - 1, MOVE_MAX));
    else if (final === "C") this.column = Math.max(this.column, Math.min(this.column + number(args, 1), MOVE_MAX));
    else if (final === "D") this.column = Math.max(0, this.column - number(args, 1));
  }

  // Programs use few styles over and over.
  restyle(args) {
    const key = this.classes + "|" + args;
    let found = this.known.get(key);
    if (!found) {
      const style = styled(this.style, args);
      found = [style, classesOf(style)];
      if (this.known.size < 500) this.known.set(key, found);
    }
    [this.style, this.classes] = found;
  }

  erase(how) {
    if (how !== "" && how !== "0" && how !== "2") return;
    this.spread();
    this.cells.length = how === "2" ? 0 : Math.min(this.cells.length, this.column);
    this.length = this.cells.length;
  }

  endLine() {
    if (this.cells) {
      this.line = [];
      for (const [unit, classes] of this.cells) {
        const last = this.line.at(-1);
        if (last && last[1] === classes) last[0] += unit;
        else this.line.push([unit, classes]);
      }
    }
    this.done.push(this.line);
    this.clear();
  }

  end() {
    if (this.length) this.endLine();
    return this.done;
  }
}

function styled(style, args) {
  const codes = args.replaceAll(":", ";").split(";").slice(0, 64).map((part) => number(part, 0));
  let next = { ...style };
  for (let index = 0; index < codes.length; index++) {
    const code = codes[index];
    if (code === 38 || code === 48) {
      const [colour, used] = wideColour(codes.slice(index + 1));
      index += used;
      next[code === 38 ? "ink" : "ground"] = colour;
    } else if (code === 0) next = {};
    else if (code === 22) next.bold = next.dim = false;
    else if (SWITCHES[code]) next[SWITCHES[code][0]] = SWITCHES[code][1];
    else if (code === 39) next.ink = undefined;
    else if (code === 49) next.ground = undefined;
    else {
      for (const [first, name, shift] of [[30, "ink", 0], [40, "ground", 0], [90, "ink", 8], [100, "ground", 8]])
        if (code >= first && code < first + 8) next[name] = code - first + shift;
    }
  }
  return next;
}

function classesOf(style) {
  const words = NAMES.filter((name) => style[name]).map((name) => "a-" + name);
  if (style.ink !== undefined) words.push("a-ink" + style.ink);
  if (style.ground !== undefined) words.push("a-ground" + style.ground);
  return words.join(" ");
}

// The nearest of sixteen for `5;n` or `2;r;g;b`, and how many codes that took.
function wideColour(codes) {
  if (codes[0] === 5 && codes.length > 1) return [of256(codes[1]), 2];
  if (codes[0] === 2 && codes.length > 3) return [nearest(codes[1], codes[2], codes[3]), 4];
  return [undefined, codes.length];
}

function of256(code) {
  if (code < 16) return code;
  if (code >= 232) {
    const grey = 8 + 10 * (Math.min(code, 255) - 232);
    return nearest(grey, grey, grey);
  }
  const levels = [0, 95, 135, 175, 215, 255];
  const of = code - 16;
  return nearest(levels[Math.floor(of / 36)], levels[Math.floor(of / 6) % 6], levels[of % 6]);
}

function nearest(red, green, blue) {
  const far = SIXTEEN.map(([r, g, b]) => (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2);
  return far.indexOf(Math.min(...far));
}

function number(text, absent) {
  return /^\d+$/.test(text) ? Number(text.slice(0, 6)) : absent;
}
