// The list of events: thousands are kept, only the rows in sight exist. Newest first.
//
// Rows have one height, so that the place of each is a multiplication; what is drawn is drawn at
// most once a frame, and while events pour in a few times a second, which is as fast as eyes read.

import { at, clock, dot, element, icon, many, setHue, setIcon, setText, short } from "/page/dom.js";
import { read } from "/page/records.js";

const ROW_PX = 34; // as in page.css
const SPARE_ROWS = 6; // above and below what is in sight
export const KEPT_MAX = 20000; // events; twice what a stream begins with at most
const KEPT_CHARS_MAX = 48e6; // of their JSON: events can be long
const DROP_AT_ONCE = 1000; // dropping the oldest one by one would move the array each time
const DRAW_EVERY_MS = 120; // of what arrives; what a reader does is drawn at once
const READ_MS = 8; // of reading what came, per turn: half a frame stays for the reader's own doings
const READ_AT_ONCE = 50; // events between two looks at the watch
const SIFT_AT_ONCE = 4000; // events per slice of a search: about 3 ms

export class Timeline {
  // `onOpen(event)`: a reader opened one; `onEvent(event)`: one came; `onChange()`: counts changed.
  constructor(onOpen, onEvent, onChange) {
    this.onOpen = onOpen;
    this.onEvent = onEvent;
    this.onChange = onChange;
    this.isReading = false;
    this.list = at("events");
    this.room = at("room");
    this.rows = [];
    this.isHeld = false;
    this.text = "";
    this.only = null; // a further condition
    this.aim = ""; // id of an event to go to when it comes
    this.sifting = 0;
    this.number = 0; // of the newest event ever taken; survives what is dropped
    this.chars = 0;
    this.clear();
    this.list.addEventListener("scroll", () => this.drawSoon(0), { passive: true });
    new ResizeObserver(() => this.drawSoon(0)).observe(this.list);
    this.list.addEventListener("click", (event) => this.clicked(event));
    at("fresh").addEventListener("click", () => this.toNewest());
  }

  clear() {
    this.raw = []; // came, and not yet read
    this.kept = []; // oldest first
    this.shown = []; // those of them that match the text
    this.waiting = []; // while held
    this.chars = 0;
    this.unseen = 0;
    this.active = null;
    this.drawSoon(0);
  }

  // A browser hands over a whole piece of the stream in one task, hundreds of events: they are
  // put aside here and read in turns.
  take(raw) {
    this.raw.push(raw);
    if (this.raw.length > KEPT_MAX + DROP_AT_ONCE) this.raw.splice(0, DROP_AT_ONCE);
    if (this.isReading) return;
    this.isReading = true;
    setTimeout(() => this.readSome());
  }

  readSome() {
    const end = performance.now() + READ_MS;
    let done = 0;
    while (done < this.raw.length && (done % READ_AT_ONCE || performance.now() < end)) this.accept(this.raw[done++]);
    this.raw.splice(0, done);
    this.isReading = this.raw.length > 0;
    if (this.isReading) setTimeout(() => this.readSome());
    this.drawSoon(DRAW_EVERY_MS);
  }

  accept(raw) {
    const event = read(raw);
    event.number = ++this.number;
    this.onEvent(event);
    if (!this.isHeld) return this.add(event);
    this.waiting.push(event);
    if (this.waiting.length > KEPT_MAX) this.waiting.splice(0, DROP_AT_ONCE);
  }

  add(event) {
    this.kept.push(event);
    this.chars += event.raw.length;
    if (this.matches(event)) {
      this.shown.push(event);
      this.unseen += 1;
      if (this.aim && event.id === this.aim) this.reach(event);
    }
    if (this.kept.length > KEPT_MAX + DROP_AT_ONCE) this.drop(DROP_AT_ONCE);
    while (this.chars > KEPT_CHARS_MAX && this.kept.length > 1) {
      this.drop(Math.ceil(this.kept.length / 10));
    }
  }

  drop(count) {
    for (const event of this.kept.splice(0, count)) this.chars -= event.raw.length;
    const oldest = this.kept[0]?.number ?? Infinity;
    this.shown.splice(0, indexOf(this.shown, oldest));
  }

  matches(event) {
    return (!this.only || this.only(event)) && (!this.text || event.sought.includes(this.text));
  }

  // Show only events with this text; long lists are sifted in slices.
  search(text) {
    const wished = text.trim().toLowerCase();
    if (wished === this.text) return; // typed and taken back: the list stays where it is
    this.text = wished;
    const mine = ++this.sifting;
    const kept = [...this.kept];
    const found = [];
    let from = 0;
    const slice = () => {
      if (mine !== this.sifting) return;
      const until = Math.min(from + SIFT_AT_ONCE, kept.length);
      for (; from < until; from++) if (this.matches(kept[from])) found.push(kept[from]);
      if (from < kept.length) return setTimeout(slice);
      const newest = kept.at(-1)?.number ?? 0;
      for (const event of this.kept.slice(indexOf(this.kept, newest + 1))) if (this.matches(event)) found.push(event);
      const oldest = this.kept[0]?.number ?? Infinity;
      this.shown = found.slice(indexOf(found, oldest));
      this.list.scrollTop = 0;
      this.unseen = 0;
      this.drawSoon(0);
    };
    slice();
  }

  hold(isHeld) {
    this.isHeld = isHeld;
    if (!isHeld) {
      for (const event of this.waiting) this.add(event);
      this.waiting = [];
    }
    this.drawSoon(0);
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
    const { list, shown } = this;
    const total = shown.length;
    let top = list.scrollTop;
    if (this.unseen && top > ROW_PX / 2) {
      // The reader is elsewhere: what they read stays where it is.
      this.room.style.height = total * ROW_PX + "px";
      top += this.unseen * ROW_PX;
      list.scrollTop = top;
      this.missed = (this.missed ?? 0) + this.unseen;
    }
    this.unseen = 0;
    if (top <= ROW_PX / 2) this.missed = 0;
    this.room.style.height = total * ROW_PX + "px";
    const first = Math.max(0, Math.floor(top / ROW_PX) - SPARE_ROWS);
    const count = Math.min(total - first, Math.ceil(list.clientHeight / ROW_PX) + 2 * SPARE_ROWS);
    this.drawRows(first, Math.max(0, count));
    this.drawWords(total);
    this.onChange();
  }

  drawRows(first, count) {
    while (this.rows.length < count) {
      const row = new Row(this.rows.length);
      this.rows.push(row);
      this.room.append(row.box);
    }
    const total = this.shown.length;
    const slots = this.rows.length;
    const low = total - first - count; // places counted from the oldest do not move when events come
    let activeId = "";
    this.rows.forEach((row, slot) => {
      const place = low + ((((slot - low) % slots) + slots) % slots);
      const isUsed = place < low + count;
      row.box.hidden = !isUsed;
      if (!isUsed) return;
      const event = this.shown[place];
      row.write(event, total - 1 - place, total, event === this.active);
      if (event === this.active) activeId = row.box.id;
    });
    if (activeId) this.list.setAttribute("aria-activedescendant", activeId);
    else this.list.removeAttribute("aria-activedescendant");
  }

  drawWords(total) {
    at("no-events").hidden = total > 0;
    if (!total) setText(at("no-events"), this.kept.length ? "No event shown here contains this text." : "Waiting for the first event.");
    const hidden = this.isHeld ? this.waiting.length : this.missed ?? 0;
    at("fresh").hidden = !hidden;
    if (hidden) setText(at("fresh"), `↑ ${many(hidden, "new event")}`);
    const all = this.kept.length;
    setText(at("count"), total === all ? many(all, "event") : `${total.toLocaleString("en")} of ${many(all, "event")}`);
  }

  toNewest() {
    this.list.scrollTop = 0;
    this.missed = 0;
    if (this.isHeld) at("hold").click();
    this.drawSoon(0);
    this.list.focus();
  }

  clicked(event) {
    const slot = event.target.closest("[data-slot]")?.dataset.slot;
    if (slot === undefined) return;
    this.setActive(this.rows[slot].event);
    this.open();
  }

  open() {
    if (this.active) this.onOpen(this.active);
  }

  setActive(event) {
    this.active = event;
    this.drawSoon(0);
  }

  // A link or the story leads here: the event is lit and in sight.
  reach(event) {
    this.aim = "";
    setTimeout(() => {
      this.active = null;
      this.setActive(event);
      this.move(0);
      this.list.scrollTop = Math.max(0, (this.shown.length - 1 - indexOf(this.shown, event.number)) * ROW_PX - this.list.clientHeight / 3);
      this.open();
    }, 300); // when the rest of the page has come too
  }

  // Move the active row by so many; Infinity is the oldest, -Infinity the newest.
  move(by) {
    const total = this.shown.length;
    if (!total) return;
    const last = total - 1;
    const now = this.active ? last - indexOf(this.shown, this.active.number) : -1;
    const wished = this.active || by === Infinity ? now + by : 0;
    const next = Math.min(last, Math.max(0, wished));
    this.active = this.shown[last - next];
    const top = next * ROW_PX;
    const { scrollTop, clientHeight } = this.list;
    if (top < scrollTop) this.list.scrollTop = top;
    else if (top + ROW_PX > scrollTop + clientHeight) this.list.scrollTop = top + ROW_PX - clientHeight;
    this.drawSoon(0);
  }

  get page() {
    return Math.max(1, Math.floor(this.list.clientHeight / ROW_PX) - 1);
  }
}

// Index of the first event with this number or a later one; numbers ascend.
function indexOf(events, number) {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (events[middle].number < number) low = middle + 1;
    else high = middle;
  }
  return low;
}

class Row {
  constructor(slot) {
    this.time = element("span", "time mono");
    this.dot = dot("");
    this.run = element("span", "");
    this.mark = icon("log");
    this.word = element("span", "word");
    this.tool = element("span", "tool mono");
    this.text = element("span", "text");
    const run = element("span", "run mono", this.dot, this.run);
    const kind = element("span", "kind", this.mark, this.word);
    this.box = element("div", "event", this.time, run, kind, element("span", "say", this.tool, this.text));
    this.box.id = "event-" + slot;
    this.box.dataset.slot = slot;
    this.box.setAttribute("role", "option");
    this.event = null;
  }

  write(event, index, total, isActive) {
    this.box.style.transform = `translateY(${index * ROW_PX}px)`;
    this.box.setAttribute("aria-posinset", index + 1);
    this.box.setAttribute("aria-setsize", total);
    this.box.setAttribute("aria-selected", isActive);
    if (this.event === event) return;
    this.event = event;
    this.box.dataset.tone = event.tone;
    setText(this.time, clock(event.time));
    setHue(this.dot, event.run);
    setText(this.run, short(event.run));
    setIcon(this.mark, event.mark);
    setText(this.word, event.kind);
    setText(this.tool, event.tool);
    setText(this.text, event.text);
  }
}
