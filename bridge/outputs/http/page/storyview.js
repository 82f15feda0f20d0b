// The story of one run on the page: blocks in a scroller, folding, searching, following, links.

import { Refused, serverNow } from "/page/access.js";
import { Blocks } from "/page/blocks.js";
import { at, day, elapsed, many, setText, short } from "/page/dom.js";
import { placeOf } from "/page/feeds.js";
import { Scroller } from "/page/scroller.js";
import { Story, isProblem, soughtOf, textOf } from "/page/story.js";
import { StoryFeed } from "/page/storyfeed.js";
import { StorySearch, matcher } from "/page/storysearch.js";
import { visible } from "/page/visible.js";

const FOLD = "mogplex-bridge.unfolded"; // in localStorage: all outputs stand open
const SKELETON_MS = 100; // before that nothing is said about loading
const KEPT_BLOCKS_MAX = 60000;
const TYPING_MS = 200;

export class StoryView {
  // `onRecord(record)`: each that came; `onLink(block)`, `onRecords(block)`: a reader asked;
  // `onStory()`: the story has moved on.
  constructor(stream, { onRecord, onLink, onRecords, onStory }) {
    Object.assign(this, { onRecord, onStory });
    this.list = at("story-list");
    this.feed = new StoryFeed(stream, (words) => this.say(words));
    this.overrides = new Map(); // block -> whether a reader opened or closed it
    this.modes = new Map(); // block -> how much of its output is shown
    this.unfolded = remembered();
    this.blocks = new Blocks(
      {
        toggle: (block) => this.toggle(block),
        show: (block, mode) => this.showOutput(block, mode),
        link: onLink,
        record: onRecords,
        seek: (block) => this.reveal(block),
      },
      (block) => this.isOpen(block),
      (block) => this.modes.get(block) ?? (block.state === "failed" ? "tail" : "fold"),
    );
    this.scroller = new Scroller(this.list, at("story-room"), {
      make: this.blocks.make,
      update: this.blocks.update,
      guess,
      onMove: () => this.moved(),
    });
    const older = (text, found, isWanted) => this.feed.seekOlder(this.run, text, found, isWanted);
    this.search = new StorySearch((block) => this.reveal(block, true), () => this.scroller.changed(), older);
    this.clear();
    this.listen();
    setInterval(() => this.tick(), 1000);
  }

  listen() {
    let typing = 0;
    at("story-text").addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.search.seek(at("story-text").value, this.story.blocks), TYPING_MS);
    });
    at("story-text").addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      clearTimeout(typing);
      if (at("story-text").value.trim() !== this.search.wished) this.search.seek(at("story-text").value, this.story.blocks);
      this.search.step(event.shiftKey ? -1 : 1);
    });
    at("story-bar").addEventListener("submit", (event) => event.preventDefault());
    at("story-next").addEventListener("click", () => this.search.step(1));
    at("story-prev").addEventListener("click", () => this.search.step(-1));
    at("story-follow").addEventListener("click", () => this.setFollowing(!this.scroller.isFollowing));
    at("story-new").addEventListener("click", () => this.setFollowing(true));
    at("story-problems").addEventListener("click", () => this.onlyProblems(!this.isSifted));
    at("story-unfold").addEventListener("click", () => this.unfoldAll(!this.unfolded));
    document.addEventListener("selectionchange", () => {
      const selection = document.getSelection();
      if (selection && !selection.isCollapsed && this.list.contains(selection.anchorNode)) this.scroller.unfollow();
    });
    this.list.addEventListener("click", (event) => {
      if (event.target.classList.contains("stamp")) this.turnClock();
      const article = event.target.closest("article");
      if (article?.item) this.active = article.item;
    });
    this.list.addEventListener("focusin", (event) => {
      const article = event.target.closest("article");
      if (article?.item) this.active = article.item;
    });
    showPressed("story-unfold", this.unfolded);
  }

  clear() {
    this.story = new Story();
    this.overrides.clear();
    this.modes.clear();
    this.active = null;
    this.aim = null;
    this.unseen = this.unseenBad = 0;
    this.isSifted = false;
    this.isLoaded = false;
    this.pendingLines = [];
    showPressed("story-problems", false);
    this.search?.seek("", []);
    this.scroller.isFollowing = true;
    this.list.setAttribute("aria-busy", "true");
    this.scroller.show(this.story.blocks);
  }

  // Show a feed; `view` is what /v1/feeds says of it, `aim` an event id or a moment to go to.
  async open(run, view, aim) {
    this.run = run;
    const { kind, id } = placeOf(run);
    const unknown = `No ${kind} ${visible(id)} is known to this bridge. Check the id, or follow it.`;
    at("story-text").placeholder = `Search the whole ${kind}`;
    this.clear();
    this.say("");
    const later = setTimeout(() => this.say(`Loading the ${kind} …`), SKELETON_MS);
    try {
      const count = await this.feed.open(run, view?.events ?? null, (records) => records.forEach((record) => this.accept(record)));
      if (count === null) return;
      this.isLoaded = true;
      for (const record of this.pendingLines.splice(0)) this.accept(record);
      this.say(this.story.blocks.length ? "" : view ? `No events of this ${kind} yet.` : unknown);
      this.scroller.show(this.shown());
      if (aim?.event || aim?.at) this.goToAim(aim);
      else this.scroller.draw();
      this.search.seek(at("story-text").value, this.story.blocks);
      this.onStory();
      requestAnimationFrame(() => performance.mark("story-drawn")); // what the bench reads
    } catch (error) {
      if (this.run !== run) return;
      const isUnknown = error instanceof Refused && error.status === 404;
      const why = error instanceof Refused ? error.message : "the bridge does not answer";
      this.say(isUnknown ? unknown : `This ${kind} cannot be loaded: ${why}.`);
    } finally {
      clearTimeout(later);
    }
  }

  close() {
    this.run = "";
    this.feed.stop();
    this.clear();
  }

  // A text from the stream.
  take(text) {
    const record = JSON.parse(text);
    if (!this.isLoaded) return this.pendingLines.push(record);
    const { story } = this;
    const [count, reordered] = [story.blocks.length, story.reordered];
    const block = this.accept(record);
    if (!block) return this.onStory();
    this.say("");
    this.search.look(block);
    const isNew = story.blocks.length > count;
    if (!this.scroller.isFollowing) {
      if (isNew) this.unseen += 1;
      if (isProblem(block) && !block.isTold) this.unseenBad += 1;
    }
    block.isTold ||= isProblem(block); // a call that fails was there before it did
    if (this.isSifted || story.reordered > reordered) this.scroller.show(this.shown(), { keep: true });
    else if (isNew) this.scroller.grown();
    else this.scroller.changed();
    if (story.blocks.length > KEPT_BLOCKS_MAX) this.drop();
    this.onStory();
  }

  accept(record) {
    if (this.isLoaded) this.onRecord(record); // what was there already is no news
    const before = this.story.blocks.at(-1);
    const block = this.story.take(record);
    if (block && before && block !== before && !block.newDay) block.newDay = day(before.at) !== day(block.at);
    return block;
  }

  drop() {
    this.story.blocks.splice(0, KEPT_BLOCKS_MAX / 10);
    this.scroller.show(this.shown(), { keep: true });
  }

  shown() {
    return this.isSifted ? this.story.blocks.filter((block) => isProblem(block) || block.kind === "begin") : this.story.blocks;
  }

  say(words) {
    at("story-note").hidden = !words;
    setText(at("story-note"), words);
  }

  // Folding

  isOpen = (block) => this.overrides.get(block) ?? (this.unfolded || block.isTerminal === true || block.state === "failed" || block.state === "denied");

  toggle(block) {
    this.overrides.set(block, !this.isOpen(block));
    this.scroller.unfollow();
    this.redraw(block);
  }

  showOutput(block, mode) {
    this.modes.set(block, mode);
    this.scroller.unfollow();
    this.redraw(block);
  }

  redraw(block) {
    block.version += 1;
    this.scroller.drawSoon(0);
  }

  unfoldAll(isUnfolded) {
    this.unfolded = isUnfolded;
    this.overrides.clear();
    showPressed("story-unfold", isUnfolded);
    try {
      if (isUnfolded) localStorage.setItem(FOLD, "1");
      else localStorage.removeItem(FOLD);
    } catch {
      // it lasts as long as the page
    }
    for (const block of this.story.blocks) if (block.kind === "tool") block.version += 1;
    this.scroller.show(this.shown(), { keep: true });
  }

  onlyProblems(isSifted) {
    this.isSifted = isSifted;
    showPressed("story-problems", isSifted);
    this.scroller.show(this.shown(), { keep: true });
    const bad = this.story.blocks.filter(isProblem).length;
    this.say(isSifted && !bad ? "No problem in this run so far." : "");
  }

  // Going somewhere

  setFollowing(isFollowing) {
    if (isFollowing) {
      this.active = null;
      this.scroller.follow();
    } else this.scroller.unfollow();
    this.moved();
  }

  toStart() {
    this.active = null;
    this.scroller.toStart();
  }

  reveal(block, isSought = false) {
    if (this.isSifted && !isProblem(block)) this.onlyProblems(false);
    const isInside = isSought && (block.kind === "tool" || block.kind === "log") && matcher(this.search.wished)?.(block.output ?? "") >= 0;
    if (isInside || (!isSought && block.kind === "tool")) {
      this.overrides.set(block, true);
      if (isInside) this.modes.set(block, "all");
      block.version += 1;
    }
    this.active = block;
    this.scroller.goTo(block);
  }

  goToAim({ event, at: when }) {
    const block = event ? this.story.byEvent.get(event) : this.story.blocks.find((one) => one.at >= Date.parse(when));
    if (!block) {
      const oldest = this.story.blocks[0];
      const since = oldest ? ` The records kept of this run begin at ${new Date(oldest.at).toLocaleString("en-GB")}.` : "";
      this.say(`The linked event is not here: it belongs to another run, or retention removed it.${since}`);
      setTimeout(() => this.say(""), 8000);
      return this.scroller.draw();
    }
    if (this.aim) this.aim.isAim = false;
    this.aim = block;
    block.isAim = true;
    block.version += 1;
    this.reveal(block);
  }

  // One block on, or back; `only` those of a kind.
  step(by, only = () => true) {
    const items = this.scroller.items;
    const from = this.active ? this.scroller.index(this.active) : this.scroller.isFollowing ? items.length : this.scroller.index(this.scroller.place()?.item ?? items[0]) - by;
    for (let index = from + by; index >= 0 && index < items.length; index += by) {
      if (!only(items[index])) continue;
      this.active = items[index];
      this.scroller.goTo(items[index]);
      this.scroller.drawn.get(items[index])?.focus({ preventScroll: true });
      return true;
    }
    return false;
  }

  stepHit(by) {
    return this.search.step(by) || this.step(by, isProblem);
  }

  textOfActive() {
    const block = this.active;
    return block ? textOf(block) || [block.title, block.output].filter(Boolean).join("\n") || soughtOf(block) : "";
  }

  toggleActive() {
    if (this.active?.kind === "tool") this.toggle(this.active);
  }

  turnClock() {
    const first = this.story.blocks[0];
    this.blocks.clockFrom = this.blocks.clockFrom === undefined && first ? first.at : undefined;
    for (const [block] of this.scroller.drawn) block.version += 1;
    this.scroller.drawSoon(0);
  }

  // After each drawing

  moved() {
    // A feed without articles is one that is being filled.
    this.list.setAttribute("aria-busy", String(!this.scroller.drawn.size));
    const { isFollowing } = this.scroller;
    showPressed("story-follow", isFollowing);
    if (isFollowing) this.unseen = this.unseenBad = 0;
    at("story-new").hidden = isFollowing || !(this.unseen || this.unseenBad);
    if (!at("story-new").hidden) setText(at("story-new"), `↓ ${this.unseen.toLocaleString("en")} new${this.unseenBad ? `, ${many(this.unseenBad, "problem")}` : ""}`);
    this.search.paint(this.search.match ? [...this.scroller.drawn.values()] : []);
    this.tick();
  }

  tick() {
    if (document.hidden || at("story").hidden) return;
    const now = this.stoppedAt ?? serverNow();
    for (const timer of this.list.querySelectorAll(".timer")) setText(timer, elapsed((now - Number(timer.dataset.since)) / 1000));
  }

  get name() {
    return this.story.title || short(placeOf(this.run ?? "").id);
  }
}

function showPressed(id, isPressed) {
  at(id).setAttribute("aria-pressed", String(isPressed));
}

function remembered() {
  try {
    return localStorage.getItem(FOLD) !== null;
  } catch {
    return false;
  }
}

// Pixels of a block that was not drawn yet: near enough that nothing jumps far when it is.
function guess(block, width) {
  const columns = Math.max(20, Math.floor((width - 130) / 7.6));
  if (block.kind === "say") return 22 + 22 * Math.ceil(textOf(block).length / columns);
  if (block.kind === "tool") return 34 + (block.state === "failed" || block.isTerminal ? 60 + 19 * Math.min(21, (block.output ?? "").split("\n", 30).length) : 0);
  if (block.kind === "talk") return 50 + 22 * Math.ceil(block.text.length / columns);
  if (block.kind === "log") return 12 + 19 * Math.min(31, block.lines);
  if (block.kind === "end") return 110;
  return 12 + 21 * Math.ceil(Math.min(4000, block.text?.length ?? 1) / columns);
}
