// A run as a file: its records as NDJSON, or its story as Markdown.

import { ask } from "/page/access.js";
import { pathOf, placeOf } from "/page/feeds.js";
import { Story, textOf } from "/page/story.js";
import { endWords, numbersOf } from "/page/blocks.js";
import { plainText } from "/page/ansi.js";
import { visible, visibleProse } from "/page/visible.js";

const PAGE = 1000;

// All records that are kept of a run, whatever is on the page.
async function recordsOf(run, tell) {
  const records = [];
  let after = "0";
  for (;;) {
    const page = await (await ask(pathOf(run, { after, limit: PAGE }, "/events"))).json();
    if (!page.records.length) return records;
    for (const record of page.records) records.push(record);
    after = page.next;
    tell(records.length);
  }
}

export async function download(run, kind, tell) {
  const records = await recordsOf(run, tell);
  const text = kind === "ndjson" ? records.map((record) => JSON.stringify(record) + "\n").join("") : transcript(run, records);
  const type = kind === "ndjson" ? "application/x-ndjson" : "text/plain;charset=utf-8";
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  const { kind: what, id } = placeOf(run);
  link.download = `${what}-${id.replace(/[^\w.-]/g, "_")}.${kind === "ndjson" ? "ndjson" : "md"}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

// Markdown in which upstream's text is text: in fences longer than any inside, or escaped. Pure.
export function transcript(run, records) {
  const story = new Story();
  for (const record of records) story.take(record);
  const { kind, id } = placeOf(run);
  const parts = [`# ${escaped(story.title || id)}\n\n${kind[0].toUpperCase()}${kind.slice(1)} ${fencedInline(id)}\n`];
  for (const block of story.blocks) parts.push(partOf(block));
  return parts.join("\n");
}

function partOf(block) {
  const stamp = Number.isFinite(block.at) ? new Date(block.at).toISOString() : "";
  switch (block.kind) {
    case "say":
      return fenced(visibleProse(textOf(block)), "markdown");
    case "tool": {
      const verdict = block.state === "ok" ? "done" : block.exit ? `exit ${block.exit}` : block.state;
      return `**${escaped(block.name)}** ${stamp} ${verdict}\n\n${fenced(visible(block.title))}${block.output ? "\n" + fenced(plainText(block.output)) : ""}`;
    }
    case "talk":
      return `**${escaped(block.who)}**${block.what ? ` \\[${escaped(block.what)}\\]` : ""} ${stamp}${block.parent ? " in answer" : ""}\n\n${fenced(visibleProse(block.text), "markdown")}`;
    case "log":
      return fenced(plainText(block.output));
    case "end":
      return `## ${escaped(endWords(block))}\n\n${escaped(numbersOf(block.numbers))} · ${stamp}\n`;
    default:
      return `*${stamp}* ${escaped(block.text.slice(0, 4000))}\n`;
  }
}

function fenced(text, language = "text") {
  let longest = 2;
  for (const match of text.matchAll(/`+/g)) longest = Math.max(longest, match[0].length);
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}\n`;
}

// An id as code: nothing in it ends the code.
const fencedInline = (id) => "`" + visible(id).replaceAll("`", "ˋ") + "`";

const escaped = (text) => visible(text.replace(/\s+/g, " ")).replace(/[\\`*_{}[\]<>()#+!|~&@-]/g, (sign) => `&#${sign.codePointAt(0)};`).replace(/(https?|ftp):/gi, "$1&#58;").replace(/www\./gi, "www&#46;");
