// Markdown as plain values: what agents write, and nothing that a page could be harmed by. Pure.
//
// Headings, lists, quotes, code, tables, emphasis, links. HTML is text like any other. Everything is
// linear in the text: no pattern looks back, no opener is searched for twice. nodes.js makes elements
// of it. Why this is ours and no library is told in docs/decisions/0020.

const DEPTH_MAX = 20;
const NODES_MAX = 20000; // of one block of speech; more is shown as it was written
const URL_CHARS_MAX = 2000;

const FENCE = /^ {0,3}(`{3,}|~{3,})[ \t]*([^\s`]*)[^`]*$/;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*))?$/;
const RULE = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const ITEM = /^( {0,9})([-*+]|\d{1,9}[.)])(?:[ \t]+(.*))?$/;
const QUOTE = /^ {0,3}> ?(.*)$/;
const DELIMITER = /^ {0,3}\|?[ \t]*:?-{1,80}:?[ \t]*(?:\|[ \t]*:?-{1,80}:?[ \t]*){0,60}\|?[ \t]*$/;

// `isOpen`: more is to come, so a mark of code that is not whole yet is not shown.
export function parse(text, isOpen = false) {
  const state = { nodes: 0 };
  try {
    return blocks(lines(text, isOpen), 0, state);
  } catch (error) {
    if (error !== TOO_MUCH) throw error;
    return [{ kind: "plain", text }];
  }
}

const TOO_MUCH = new Error("too much");

function count(state) {
  if (++state.nodes > NODES_MAX) throw TOO_MUCH;
}

function lines(text, isOpen) {
  const all = text.replaceAll("\r\n", "\n").split("\n");
  if (isOpen && /^\s*[`~]{1,}\w*$/.test(all.at(-1))) all.pop();
  return all;
}

// Where a text can be cut so that what is before will not change any more: after the last blank line
// that is in no fence. 0 when there is none.
export function settledLength(text) {
  let at = 0;
  let settled = 0;
  let fence = null;
  for (const line of text.split("\n")) {
    const match = FENCE.exec(line);
    if (fence) {
      if (closes(line, fence)) fence = null;
    } else if (match) fence = match[1];
    at += line.length + 1;
    if (!fence && !line.trim() && at <= text.length) settled = at;
  }
  return settled;
}

const closes = (line, fence) => {
  const bare = line.trim();
  return bare.length >= fence.length && bare === fence[0].repeat(bare.length);
};

function blocks(all, depth, state) {
  const made = [];
  let at = 0;
  while (at < all.length) {
    const line = all[at];
    if (!line.trim()) {
      at += 1;
      continue;
    }
    count(state);
    const fence = FENCE.exec(line);
    const heading = HEADING.exec(line);
    if (fence) at = code(all, at, fence, made);
    else if (heading) {
      made.push({ kind: "heading", level: heading[1].length, inside: inline((heading[2] ?? "").replace(/[ \t]#+[ \t]*$/, ""), state) });
      at += 1;
    } else if (RULE.test(line)) {
      made.push({ kind: "rule" });
      at += 1;
    } else if (QUOTE.test(line) && depth < DEPTH_MAX) at = quote(all, at, depth, state, made);
    else if (ITEM.test(line) && depth < DEPTH_MAX) at = list(all, at, depth, state, made);
    else if (line.includes("|") && DELIMITER.test(all[at + 1] ?? "") && all[at + 1].includes("-")) at = table(all, at, state, made);
    else at = paragraph(all, at, state, made);
  }
  return made;
}

function code(all, at, fence, made) {
  const inside = [];
  let next = at + 1;
  while (next < all.length && !closes(all[next], fence[1])) inside.push(all[next++]);
  made.push({ kind: "code", language: fence[2].slice(0, 40), text: inside.join("\n") });
  return next + 1;
}

function quote(all, at, depth, state, made) {
  const inside = [];
  let next = at;
  for (; next < all.length; next++) {
    const match = QUOTE.exec(all[next]);
    if (match) inside.push(match[1]);
    else if (!all[next].trim() || begins(all[next])) break;
    else inside.push(all[next]);
  }
  made.push({ kind: "quote", inside: blocks(inside, depth + 1, state) });
  return next;
}

const begins = (line) => FENCE.test(line) || HEADING.test(line) || RULE.test(line) || ITEM.test(line) || QUOTE.test(line);

function list(all, at, depth, state, made) {
  const first = ITEM.exec(all[at]);
  const indent = first[1].length;
  const isOrdered = /\d/.test(first[2]);
  const items = [];
  let own = null;
  let next = at;
  for (; next < all.length; next++) {
    const line = all[next];
    const match = ITEM.exec(line);
    if (match && match[1].length <= indent + 1 && !RULE.test(line)) {
      if (match[1].length < indent - 1 || /\d/.test(match[2]) !== isOrdered) break;
      count(state);
      own = [match[3] ?? ""];
      items.push(own);
    } else if (!line.trim()) {
      const after = all[next + 1] ?? "";
      const goesOn = /^\s/.test(after) || (ITEM.test(after) && /\d/.test(ITEM.exec(after)[2]) === isOrdered);
      if (!after.trim() || !goesOn) break;
      own.push("");
    } else if (/^\s/.test(line) || !(begins(line) || own.at(-1) === "")) own.push(line.slice(Math.min(line.length - line.trimStart().length, indent + 2)));
    else break;
  }
  made.push({
    kind: "list",
    isOrdered,
    start: isOrdered ? Number(first[2].slice(0, -1)) : 1,
    items: items.map((item) => blocks(item, depth + 1, state)),
  });
  return next;
}

function table(all, at, state, made) {
  const rows = [];
  let next = at;
  for (; next < all.length && all[next].includes("|") && all[next].trim(); next++) {
    if (next === at + 1) continue;
    count(state);
    rows.push(cells(all[next]).map((cell) => inline(cell, state)));
  }
  made.push({ kind: "table", head: rows[0], rows: rows.slice(1) });
  return next;
}

const cells = (line) =>
  line
    .trim()
    .replace(/^\|/, "")
    .replace(/\|$/, "")
    .split("|")
    .map((cell) => cell.trim());

function paragraph(all, at, state, made) {
  const inside = [all[at].trim()];
  let next = at + 1;
  while (next < all.length && all[next].trim() && !begins(all[next])) inside.push(all[next++].trim());
  made.push({ kind: "paragraph", inside: inline(inside.join("\n"), state) });
  return next;
}

// Inside of a line

const TOKEN = /\\[!-/:-@[-`{-~]|`+|\*+|_+|~~|!?\[|\]|<(?=https?:)|https?:\/\/|\n/g;

export function inline(text, state = { nodes: 0 }) {
  const ticks = backticks(text);
  const out = [];
  const open = []; // delimiters that may still be closed: {mark, at}
  const waiting = {}; // how many of each
  let from = 0;
  const push = (node) => {
    count(state);
    out.push(node);
  };
  const plain = (until) => {
    if (until > from) push({ kind: "text", text: text.slice(from, until) });
  };
  TOKEN.lastIndex = 0;
  for (let match; (match = TOKEN.exec(text)); ) {
    const [mark] = match;
    const at = match.index;
    if (at < from) continue;
    const after = at + mark.length;
    if (mark[0] === "\\") {
      plain(at);
      push({ kind: "text", text: mark[1] });
      from = after;
    } else if (mark[0] === "`") {
      const end = ticks.after(mark.length, after);
      if (end < 0) continue;
      plain(at);
      push({ kind: "code", text: text.slice(after, end).replaceAll("\n", " ").replace(/^ (.*\S.*) $/s, "$1") });
      from = end + mark.length;
      TOKEN.lastIndex = from;
    } else if (mark === "\n") {
      plain(at);
      push({ kind: "break" });
      from = after;
    } else if (mark === "]") {
      plain(at);
      from = closeLink(text, at, out, open, waiting);
      TOKEN.lastIndex = from;
    } else if (mark.endsWith("[")) {
      plain(at);
      open.push({ mark, at: out.length });
      waiting["["] = (waiting["["] ?? 0) + 1;
      push({ kind: "text", text: mark });
      from = after;
    } else if (mark.startsWith("http") || mark === "<") {
      const begin = mark === "<" ? after : at;
      if (mark !== "<" && /\w/.test(text[at - 1] ?? "")) continue;
      const url = bareUrl(text, begin, mark === "<");
      if (!url) continue;
      plain(at);
      push({ kind: "link", href: url, inside: [{ kind: "text", text: url }] });
      from = begin + url.length + (mark === "<" ? 1 : 0);
      TOKEN.lastIndex = from;
    } else {
      plain(at);
      from = after;
      emphasis(text, at, mark, out, open, waiting, push);
    }
  }
  plain(text.length);
  return out;
}

// Rows of backticks by length, each found once: a code span must not search the rest again and again.
function backticks(text) {
  const rows = new Map();
  for (const match of text.matchAll(/`+/g)) {
    if (!rows.has(match[0].length)) rows.set(match[0].length, { places: [], at: 0 });
    rows.get(match[0].length).places.push(match.index);
  }
  return {
    after(length, position) {
      const row = rows.get(length);
      while (row.at < row.places.length && row.places[row.at] < position) row.at += 1;
      return row.places[row.at] ?? -1;
    },
  };
}

function emphasis(text, at, mark, out, open, waiting, push) {
  const before = text[at - 1] ?? " ";
  const after = text[at + mark.length] ?? " ";
  const isWord = mark[0] === "_" && /\w/.test(before) && /\w/.test(after); // snake_case
  const canOpen = !/\s/.test(after) && !isWord;
  const canClose = !/\s/.test(before) && !isWord;
  const kind = mark === "~~" ? "deleted" : mark.length === 1 ? "emphasis" : mark.length === 2 ? "strong" : mark.length === 3 ? "both" : "";
  if (kind && canClose && waiting[mark]) {
    let opener;
    do {
      opener = open.pop();
      waiting[opener.mark.endsWith("[") ? "[" : opener.mark] -= 1;
    } while (opener.mark !== mark);
    const inside = out.splice(opener.at).slice(1);
    out.push(kind === "both" ? { kind: "strong", inside: [{ kind: "emphasis", inside }] } : { kind, inside });
    return;
  }
  if (kind && canOpen && open.length < DEPTH_MAX) {
    open.push({ mark, at: out.length });
    waiting[mark] = (waiting[mark] ?? 0) + 1;
  }
  push({ kind: "text", text: mark });
}

// At a "]": a link, an image as text, or just the bracket. Returns where the text goes on.
function closeLink(text, at, out, open, waiting) {
  const isTarget = text[at + 1] === "(" && waiting["["];
  if (!waiting["["]) {
    out.push({ kind: "text", text: "]" });
    return at + 1;
  }
  let opener;
  do {
    opener = open.pop();
    waiting[opener.mark.endsWith("[") ? "[" : opener.mark] -= 1;
  } while (!opener.mark.endsWith("["));
  const target = isTarget ? text.slice(at + 2, at + 2 + URL_CHARS_MAX) : "";
  const end = target.search(/[\s)]/);
  const close = end < 0 ? -1 : target.slice(end, end + 200).indexOf(")");
  if (!isTarget || end < 1 || close < 0) {
    out.push({ kind: "text", text: "]" });
    return at + 1;
  }
  const inside = out.splice(opener.at).slice(1);
  const href = target.slice(0, end);
  if (opener.mark === "![") out.push({ kind: "text", text: `[image: ${wordsOf(inside)}] (${href})` });
  else out.push({ kind: "link", href, inside });
  return at + 2 + end + close + 1;
}

export const wordsOf = (inside) => inside.map((node) => node.text ?? wordsOf(node.inside ?? [])).join("");

function bareUrl(text, at, isAngled) {
  const rest = text.slice(at, at + URL_CHARS_MAX);
  const end = rest.search(isAngled ? /[>\s]/ : /[\s<>"'`)\]}|\\^]/);
  if (isAngled && rest[end] !== ">") return "";
  const url = end < 0 ? rest : rest.slice(0, end);
  return isAngled ? url : url.replace(/[.,:;!?*_~]+$/, "");
}

// An address that a link may have, or null: only the web, as its own words say.
export function safeUrl(href) {
  try {
    const url = new URL(href);
    return (url.protocol === "https:" || url.protocol === "http:") && !url.username && !url.password ? url : null;
  } catch {
    return null;
  }
}
