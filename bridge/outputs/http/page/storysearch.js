// Searching a story: in what was said, in commands, outputs and reasons; folded ones too.

import { at, setText } from "/page/dom.js";
import { soughtOf } from "/page/story.js";

const SLICE = 1500; // blocks looked at in one go: a few milliseconds
const RANGES_MAX = 500; // marks drawn at a time

// Smart case: a capital in what is sought makes case count. By substring, so nothing can run away.
export function matcher(text) {
  const wished = text.trim();
  if (!wished) return null;
  if (wished !== wished.toLowerCase()) return (where) => where.indexOf(wished);
  return (where) => where.toLowerCase().indexOf(wished);
}

export class StorySearch {
  // `go(block)`: bring a block with a match into sight, unfolded. `changed(block)`: draw it anew.
  // `seekOlder(text, found, isWanted)`: look into what is older than the blocks.
  constructor(go, changed, seekOlder) {
    Object.assign(this, { go, changed, seekOlder, hits: [], at: -1, match: null, round: 0, wished: "", older: "" });
  }

  // Look through the blocks; tells where it is as it goes.
  seek(text, blocks) {
    const mine = ++this.round;
    for (const block of this.hits) this.mark(block, false);
    this.match = matcher(text);
    this.wished = text.trim();
    this.hits = [];
    this.at = -1;
    this.older = "";
    this.show();
    if (!this.match) return;
    const found = (count, time) => {
      this.older = count ? `, ${count.toLocaleString("en")} before what is loaded, from ${new Date(time).toLocaleString("en-GB")}` : "";
      this.show();
    };
    this.seekOlder(this.wished, found, () => mine === this.round).catch(() => {
      if (mine !== this.round) return;
      this.older = ", older records could not be searched";
      this.show();
    });
    let from = 0;
    const slice = () => {
      if (mine !== this.round) return;
      const until = Math.min(from + SLICE, blocks.length);
      for (; from < until; from++) this.look(blocks[from]);
      this.show(from < blocks.length);
      if (from < blocks.length) setTimeout(slice);
    };
    slice();
  }

  look(block) {
    if (!this.match || block.isHit || this.match(soughtOf(block)) < 0) return;
    this.hits.push(block);
    this.mark(block, true);
  }

  mark(block, isHit) {
    block.isHit = isHit;
    block.version += 1;
    this.changed(block);
  }

  // The next match, or the one before; past the end it begins anew.
  step(by) {
    if (!this.hits.length) return false;
    this.hits.sort((a, b) => a.at - b.at || a.number - b.number);
    this.at = (this.at + by + this.hits.length) % this.hits.length;
    if (this.at < 0) this.at = this.hits.length - 1;
    this.show();
    this.go(this.hits[this.at]);
    return true;
  }

  show(isSeeking = false) {
    const { hits } = this;
    const count = hits.length.toLocaleString("en");
    const words = !this.match ? "" : isSeeking ? `${count} so far` : !hits.length ? "nothing found" : this.at < 0 ? `${count} found` : `${this.at + 1} of ${count}`;
    setText(at("story-hits"), words + (words ? this.older : ""));
    for (const id of ["story-prev", "story-next"]) at(id).hidden = !hits.length;
  }

  // Marks over the text of what is drawn; the text itself is not touched.
  paint(elements) {
    if (!window.Highlight || !CSS.highlights) return;
    CSS.highlights.delete("sought");
    if (!this.match) return;
    const ranges = [];
    const isExact = this.wished !== this.wished.toLowerCase();
    for (const root of elements) {
      const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
      for (let node; (node = walker.nextNode()) && ranges.length < RANGES_MAX; ) {
        const where = isExact ? node.data : node.data.toLowerCase();
        for (let place = where.indexOf(this.wished); place >= 0 && ranges.length < RANGES_MAX; place = where.indexOf(this.wished, place + this.wished.length)) {
          const range = new Range();
          range.setStart(node, place);
          range.setEnd(node, Math.min(node.length, place + this.wished.length));
          ranges.push(range);
        }
      }
    }
    if (ranges.length) CSS.highlights.set("sought", new Highlight(...ranges));
  }
}
