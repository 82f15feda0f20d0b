// Elements for Markdown's plain values. Text goes in as text; a link leads to the web or is no link.

import { button, element } from "/page/dom.js";
import { parse, safeUrl, settledLength, wordsOf } from "/page/markdown.js";

const MARKDOWN_CHARS_MAX = 256 * 1024; // a block of speech; longer ones are shown as they are

// `code(text, language)` makes the element of a block of code.
export function speech(text, isOpen, code) {
  if (text.length > MARKDOWN_CHARS_MAX) return [element("p", "plain", text)];
  return blocks(parse(text, isOpen), code);
}

// Speech that grows: what is settled is made once, only the open end is made again.
export class Speech {
  constructor(box, code) {
    Object.assign(this, { box, code, settled: "", end: [] });
  }

  write(text, isOpen) {
    if (text.length > MARKDOWN_CHARS_MAX || !text.startsWith(this.settled)) {
      this.settled = "";
      this.end = [];
      this.box.replaceChildren();
    }
    for (const node of this.end) node.remove();
    const rest = text.slice(this.settled.length);
    const upTo = isOpen ? settledLength(rest) : 0;
    if (upTo) {
      this.box.append(...speech(rest.slice(0, upTo), false, this.code));
      this.settled = text.slice(0, this.settled.length + upTo);
    }
    this.end = speech(rest.slice(upTo), isOpen, this.code);
    this.box.append(...this.end);
  }
}

function blocks(nodes, code) {
  return nodes.map((node) => {
    switch (node.kind) {
      case "heading":
        // Headings of a text are no headings of the page.
        return element("p", `h h${Math.min(node.level, 4)}`, ...inline(node.inside));
      case "code":
        return code(node.text, node.language);
      case "quote":
        return element("blockquote", "", ...blocks(node.inside, code));
      case "rule":
        return element("hr", "");
      case "list":
        return list(node, code);
      case "table":
        return table(node);
      case "plain":
        return element("p", "plain", node.text);
      default:
        return element("p", "", ...inline(node.inside));
    }
  });
}

function list(node, code) {
  const made = element(node.isOrdered ? "ol" : "ul", "");
  if (node.isOrdered && node.start !== 1) made.start = node.start;
  for (const item of node.items) {
    const isShort = item.length === 1 && item[0].kind === "paragraph";
    made.append(element("li", "", ...(isShort ? inline(item[0].inside) : blocks(item, code))));
  }
  return made;
}

function table(node) {
  const head = element("tr", "", ...node.head.map((cell) => element("th", "", ...inline(cell))));
  const rows = node.rows.map((row) => element("tr", "", ...row.map((cell) => element("td", "", ...inline(cell)))));
  const made = element("div", "wide", element("table", "", element("thead", "", head), element("tbody", "", ...rows)));
  made.tabIndex = 0;
  made.setAttribute("role", "group");
  made.setAttribute("aria-label", "Table");
  return made;
}

function inline(nodes) {
  return nodes.map((node) => {
    switch (node.kind) {
      case "code":
        return element("code", "", node.text);
      case "strong":
        return element("strong", "", ...inline(node.inside));
      case "emphasis":
        return element("em", "", ...inline(node.inside));
      case "deleted":
        return element("del", "", ...inline(node.inside));
      case "break":
        return "\n";
      case "link":
        return link(node);
      default:
        return node.text;
    }
  });
}

function link(node) {
  const url = safeUrl(node.href);
  const words = wordsOf(node.inside);
  // What is no address of the web stays as it was written.
  if (!url) return words === node.href ? words : `[${words}](${node.href})`;
  const made = element("a", "", words);
  made.href = url.href;
  made.rel = "noopener noreferrer";
  made.target = "_blank";
  made.referrerPolicy = "no-referrer";
  if (words === node.href || words.includes(url.host)) return made;
  return element("span", "", made, element("span", "host", ` (${url.host})`));
}

export function copyButton(what, textOf, words = "Copy") {
  const made = button(words, "link small copy", async (event) => {
    event.stopPropagation();
    try {
      await navigator.clipboard.writeText(textOf());
      made.textContent = "Copied";
    } catch {
      made.textContent = "Not allowed"; // without TLS browsers give the clipboard to loopback only
    }
    setTimeout(() => (made.textContent = words), 1500);
  });
  if (words === "Copy") made.setAttribute("aria-label", `Copy ${what}`);
  return made;
}
