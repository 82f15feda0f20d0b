// A list of items of any height of which only those in sight exist. Oldest first.
//
// Heights are estimated until an item has been seen, then measured. Whatever changes, what the reader
// looks at stays where it is: one item and the pixels into it are held, and the browser's own
// anchoring is off. Following means that the end stays in sight; only the reader's own scrolling
// changes it.

import { Heights } from "/page/heights.js";

const SPARE_PX = 500; // drawn above and below what is in sight
const BOTTOM_PX = 24; // so near to the end counts as being there
const ROUNDS = 4; // of drawing and measuring, for heights that were guessed
const DRAW_EVERY_MS = 120; // of what arrives; what a reader does is drawn at once

export class Scroller {
  // `make(item)` makes an element, `update(element, item)` brings it up to date, `guess(item, width)`
  // is its height in pixels, `onMove()` is called after each drawing.
  constructor(box, room, { make, update, guess, onMove }) {
    Object.assign(this, { box, room, make, update, guess, onMove });
    this.heights = new Heights();
    this.items = [];
    this.drawn = new Map(); // item -> its element
    this.isFollowing = true;
    this.width = 0;
    this.isTouched = false;
    this.own = null; // where this program has scrolled to
    this.anchor = null;
    box.addEventListener("scroll", () => this.scrolled(), { passive: true });
    box.addEventListener("wheel", (event) => event.deltaY < 0 && this.unfollow(), { passive: true });
    box.addEventListener("touchstart", () => (this.isTouched = true), { passive: true });
    for (const name of ["touchend", "touchcancel", "scrollend"]) {
      box.addEventListener(name, () => this.released(), { passive: true });
    }
    new ResizeObserver(() => this.resized()).observe(box);
    this.sizes = new ResizeObserver((entries) => this.grew(entries));
  }

  // Show these items; `keep` holds the place of what is in sight.
  show(items, { keep = false } = {}) {
    const anchor = keep ? this.place() : null;
    this.items = items;
    this.indexOf_ = null;
    this.width = this.box.clientWidth;
    this.heights.reset(items.map((item) => this.heightOf(item)));
    this.anchor = anchor && this.index(anchor.item) >= 0 ? anchor : null;
    this.drawSoon(0);
  }

  heightOf = (item) => (item.px && item.pxWidth === this.width ? item.px : this.guess(item, this.width));

  // Items were added at the end of the list given to `show`.
  grown() {
    while (this.heights.length < this.items.length) {
      const index = this.heights.length;
      this.indexOf_?.set(this.items[index], index);
      this.heights.push(this.heightOf(this.items[index]));
    }
    this.drawSoon(DRAW_EVERY_MS);
  }

  changed() {
    this.drawSoon(DRAW_EVERY_MS);
  }

  index(item) {
    this.indexOf_ ??= new Map(this.items.map((one, index) => [one, index]));
    return this.indexOf_.get(item) ?? -1;
  }

  // The first item in sight and how far it is scrolled out.
  place() {
    if (!this.items.length) return null;
    const top = this.box.scrollTop;
    const index = this.heights.at(top);
    return { item: this.items[index], into: top - this.heights.before(index) };
  }

  scrolled() {
    const top = this.box.scrollTop;
    if (this.own !== null && Math.abs(top - this.own) < 2) {
      this.own = null; // ours, not the reader's
      return;
    }
    this.own = null;
    const isAtEnd = this.atEnd;
    if (isAtEnd) this.follow();
    else if (top < (this.lastTop ?? 0) - 1) this.unfollow();
    this.lastTop = top;
    this.anchor = this.isFollowing ? null : this.place();
    this.drawSoon(0);
  }

  get atEnd() {
    return this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight <= BOTTOM_PX;
  }

  released() {
    this.isTouched = false;
    if (this.isLate) this.drawSoon(0);
  }

  resized() {
    if (this.box.clientWidth !== this.width) {
      const place = this.isFollowing ? null : (this.anchor ?? this.place());
      this.width = this.box.clientWidth;
      this.heights.reset(this.items.map((item) => this.heightOf(item)));
      this.anchor = place && { item: place.item, into: Math.min(place.into, this.heightOf(place.item) - 1) };
    }
    this.drawSoon(0);
  }

  grew(entries) {
    for (const { target } of entries) if (target.item && this.drawn.get(target.item) === target) return this.drawSoon(0);
  }

  follow() {
    if (this.isFollowing) return;
    this.isFollowing = true;
    this.anchor = null;
    this.drawSoon(0);
  }

  unfollow() {
    if (!this.isFollowing) return;
    this.isFollowing = false;
    this.anchor = this.place();
    this.onMove();
  }

  // Bring an item into sight, `share` of the height from the top.
  goTo(item, share = 0.25) {
    if (this.index(item) < 0) return false;
    this.unfollow();
    this.anchor = { item, into: -Math.round(this.box.clientHeight * share) };
    this.draw();
    return true;
  }

  toStart() {
    if (this.items.length) this.goTo(this.items[0], 0);
  }

  drawSoon(waitMs) {
    if (this.due !== undefined) {
      if (waitMs || !this.due) return;
      clearTimeout(this.due);
    }
    const draw = () => requestAnimationFrame(() => this.draw());
    if (waitMs) this.due = setTimeout(draw, waitMs);
    else {
      this.due = 0; // a frame is asked for
      draw();
    }
  }

  draw() {
    this.due = undefined;
    if (!this.box.clientHeight) return; // hidden: nothing is in sight
    if (!this.width) this.resized();
    for (let round = 0; round < ROUNDS; round++) {
      const top = this.wishedTop();
      this.mount(top);
      if (!this.measure()) break;
    }
    this.settle();
    this.onMove();
  }

  wishedTop() {
    const most = Math.max(0, this.heights.total - this.box.clientHeight);
    if (this.isFollowing) return most;
    if (!this.anchor) return Math.min(this.box.scrollTop, most);
    return Math.min(most, Math.max(0, this.heights.before(this.index(this.anchor.item)) + this.anchor.into));
  }

  mount(top) {
    const { heights, items } = this;
    const first = items.length ? heights.at(Math.max(0, top - SPARE_PX)) : 0;
    const last = items.length ? heights.at(top + this.box.clientHeight + SPARE_PX) : -1;
    const wished = new Set(items.slice(first, last + 1));
    for (const [item, element] of this.drawn) {
      // What has the focus or holds a selection stays, so that neither is lost.
      if (wished.has(item) || (element.contains(document.activeElement) && this.index(item) >= 0)) continue;
      this.sizes.unobserve(element);
      element.remove();
      this.drawn.delete(item);
    }
    let before = null;
    let place = heights.before(first);
    for (let index = first; index <= last; index++) {
      const item = items[index];
      let element = this.drawn.get(item);
      if (!element) {
        element = this.make(item);
        element.item = item;
        this.drawn.set(item, element);
        this.sizes.observe(element);
        this.room.insertBefore(element, before ? before.nextSibling : this.room.firstChild);
      } else if (before ? before.nextSibling !== element : this.room.firstChild !== element) {
        if (!element.contains(document.activeElement)) this.room.insertBefore(element, before ? before.nextSibling : this.room.firstChild);
      }
      if (element.version !== item.version) {
        this.update(element, item);
        element.version = item.version;
      }
      if (element.top !== place) {
        element.top = place;
        element.style.transform = `translateY(${place}px)`;
      }
      element.setAttribute("aria-posinset", index + 1);
      element.setAttribute("aria-setsize", items.length);
      place += heights.values[index];
      before = element;
    }
  }

  // Measure what is drawn; true when something was not as high as thought.
  measure() {
    let isOther = false;
    for (const [item, element] of this.drawn) {
      const index = this.index(item);
      if (index < 0) continue;
      const px = element.offsetHeight;
      item.px = px;
      item.pxWidth = this.width;
      if (this.heights.set(index, px)) isOther = true;
    }
    return isOther;
  }

  settle() {
    this.isLate = this.isTouched && !this.isFollowing;
    const total = this.heights.total;
    if (this.total !== total) {
      this.total = total;
      this.room.style.height = total + "px";
    }
    if (this.isLate) return; // a finger moves it: what is above is put right later
    const top = this.wishedTop();
    if (Math.abs(top - this.box.scrollTop) >= 1) {
      this.own = top;
      this.box.scrollTop = top;
    }
    this.lastTop = this.box.scrollTop;
    if (!this.isFollowing && !this.anchor) this.anchor = this.place();
  }
}
