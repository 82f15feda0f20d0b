// The live page: feeds by reading /v1/feeds, events by EventSource. This file wires the parts together.

import { mayFollow, startAccess } from "/page/access.js";
import { Inspector } from "/page/detail.js";
import { filtersOf, placeOf } from "/page/feeds.js";
import { download } from "/page/download.js";
import { at, rate, setText, short, spark } from "/page/dom.js";
import { startKeys } from "/page/keys.js";
import { Notifier } from "/page/notify.js";
import { Overview } from "/page/overview.js";
import { read } from "/page/records.js";
import { RunDetail } from "/page/rundetail.js";
import { Runs } from "/page/runs.js";
import { Speaker } from "/page/speaker.js";
import { CancelQuestion, StartForm } from "/page/start.js";
import { StoryView } from "/page/storyview.js";
import { Stream } from "/page/stream.js";
import { Timeline } from "/page/timeline.js";
import { Truth } from "/page/banner.js";
import { upstreamRights } from "/page/upstream.js";

const TAILS = [500, 2000, 10000]; // events that a stream begins with; 10,000 is the server's limit
const TYPING_MS = 250; // between the last key and the search

const filters = at("filters");
const fields = filters.elements;
const speaker = new Speaker();
let tail = TAILS[0];
let view = ""; // "now" or "events" of all runs, "story" or "events" of one
let aim = null; // {event} or {at}: where a link leads

const timeline = new Timeline(
  (event) => {
    inspector.show(event);
    at("inspector").focus();
  },
  (event) => {
    speaker.note(event);
    if (event.type === "bridge.reset") notice(event.text);
  },
  () => showOlder(),
);

const inspector = new Inspector(
  () => closeInspector(),
  (feed) => go(runs.keyOf(feed), "story"),
);

const detail = new RunDetail({
  close: () => go(""),
  follow: (run) => changeFollow("follow", run),
  unfollow: (run) => changeFollow("unfollow", run),
  cancel: (run) => cancelQuestion.ask(runs.find(run)),
  view: (name) => go(runs.selected, name),
  link: () => copyLink(new URLSearchParams({ run: runs.selected })),
  download: (kind) => fetchRun(kind),
});

const runs = new Runs(
  (run) => go(run),
  () => showReading(),
  (why) => overview.fail(why),
);

const startForm = new StartForm(
  () => runs.accountNames,
  async (run) => {
    await runs.read();
    speaker.say(`${short(run)} started`);
    go(run, "story");
  },
);

const cancelQuestion = new CancelQuestion(async (run, wasOver) => {
  if (run.key === runs.find(runs.selected)?.key) detail.tell(wasOver ? "The run was already over." : "The run is cancelled.");
  await runs.read();
});

const overview = new Overview((run) => go(run));
const truth = new Truth((stoppedAt) => (story.stoppedAt = overview.stoppedAt = stoppedAt));
const notifier = new Notifier(
  (run) => go(run),
  () => (document.hidden ? "" : runs.selected),
);

const stream = new Stream((text) => timeline.take(text), tellLink);
const storyStream = new Stream((text) => story.take(text), tellLink);

const story = new StoryView(storyStream, {
  onRecord: (record) => speaker.note(read("", record)),
  onLink: (block) => copyLink(new URLSearchParams({ run: runs.selected, event: block.events[0] ?? "" })),
  onRecords: (block) => {
    aim = { event: block.events.at(-1) };
    go(runs.selected, "events", aim);
  },
  onStory: () => showRun(),
});

function tellLink(state, words) {
  truth.link(state, words);
}

async function changeFollow(act, run) {
  const note = act === "follow" ? await runs.follow(run) : await runs.unfollow(run);
  detail.say(note);
  if (!note) {
    speaker.say(act === "follow" ? `${short(placeOf(run).id)} is followed` : `${short(placeOf(run).id)} is no longer followed`);
    if (act === "follow" && view === "story") begin();
  }
  showRun();
}

async function fetchRun(kind) {
  const run = runs.selected;
  detail.say("");
  try {
    await download(run, kind, (count) => detail.tell(`Reading: ${count.toLocaleString("en")} events`));
    detail.tell("");
  } catch {
    detail.tell("");
    detail.say("The run cannot be read now.");
  }
}

async function copyLink(wish) {
  const text = `${location.origin}${location.pathname}#${wish}`;
  try {
    await navigator.clipboard.writeText(text);
    detail.tell("Link copied.");
  } catch {
    detail.tell(text); // without TLS browsers give the clipboard to loopback only
  }
}

// Which run, which view

function viewOf(run, wished) {
  if (run) return wished === "events" ? "events" : "story";
  return wished === "events" ? "events" : "now";
}

// Show a run, or all of them; a step that "back" takes back.
function go(run, wished = "", place = null) {
  const next = viewOf(run, wished);
  if (run === runs.selected && next === view && !place) return;
  aim = place;
  show(run, next);
  remember(true);
  begin();
}

function show(run, next) {
  if (run !== runs.selected) tail = TAILS[0];
  view = next;
  runs.select(run);
  document.body.dataset.view = view;
  document.body.classList.toggle("one-run", run !== "");
  // On a phone there is one pane at a time: the list, or what was chosen in it.
  document.body.dataset.pane = run || view === "events" ? "main" : "list";
  at("now").hidden = view !== "now";
  at("story").hidden = view !== "story";
  at("table").hidden = view !== "events";
  for (const [id, name] of [["tab-now", "now"], ["tab-events", "events"]]) {
    at(id).setAttribute("aria-pressed", String(!run && view === name));
  }
  detail.showView(view);
  showRun();
  if (view === "now") overview.draw();
}

// Begin to read what the view shows.
function begin() {
  speaker.begin();
  inspector.show(null);
  notice("");
  if (view === "story") {
    stream.end();
    timeline.clear();
    story.open(runs.selected, runs.find(runs.selected), aim);
    return;
  }
  story.close();
  timeline.clear();
  timeline.aim = view === "events" ? (aim?.event ?? "") : "";
  timeline.only = fields.kind.value === PROBLEMS && view === "events" ? (event) => event.tone === "bad" || event.tone === "warn" : null;
  const wish = [...(runs.selected ? filtersOf(runs.selected) : []), ...typesWished().map((glob) => ["type", glob])];
  stream.begin(view === "events" ? wish : [], aim?.event && view === "events" ? TAILS.at(-1) : tail);
}

const PROBLEMS = at("kind-problems").value;

function typesWished() {
  const typed = fields.type.value.split(/[\s,]+/).filter((glob) => glob && glob !== "!");
  // A word without a star is looked for anywhere in the type, as people mean it.
  const globs = typed.map((glob) => (/[*?.]/.test(glob) ? glob : glob.replace(/^(!?)(.*)$/, "$1*$2*")));
  return [...fields.kind.value.split(" ").filter(Boolean), ...globs];
}

function begunAnew() {
  tail = TAILS[0];
  aim = null;
  remember();
  begin();
}

// Words and figures

function showRun() {
  const run = runs.selected;
  detail.show(run, runs.find(run), runs.perSecond(run), view === "story" ? story.story : null);
}

function showReading() {
  const { perSecond, bars } = runs.total;
  const following = runs.views.filter((one) => one.state === "following").length;
  const gaps = runs.views.reduce((sum, one) => sum + (one.gaps ?? 0), 0);
  setText(at("figure-runs"), following.toLocaleString("en"));
  setText(at("figure-rate"), rate(perSecond));
  setText(at("figure-gaps"), gaps.toLocaleString("en"));
  setText(at("figure-gaps-word"), gaps === 1 ? "gap" : "gaps");
  at("figure-gaps").classList.toggle("bad", gaps > 0);
  at("pulse").firstElementChild.setAttribute("d", spark(bars, 120, 24));
  notifier.note(runs.views);
  overview.note(runs.views, runs.perSecond);
  truth.runs(runs.views);
  showTitle(following);
  runs.showAccounts();
  showRun();
}

function showTitle(following) {
  const one = runs.find(runs.selected);
  const words = one?.title ?? (runs.selected ? short(placeOf(runs.selected).id) : following ? `${following} live` : "");
  const isFailed = one?.phase === "failed" ? "✗ " : "";
  document.title = notifier.titleMark + (words ? `${isFailed}${words.slice(0, 80)} – mogplex-bridge` : "mogplex-bridge");
}

function showOlder() {
  const next = TAILS.find((count) => count > tail);
  at("older").hidden = !next || timeline.kept.length < tail;
}

function notice(text) {
  at("notice").hidden = !text;
  setText(at("notice-text"), text && `Some ${text}.`);
}

function closeInspector() {
  inspector.show(null);
  timeline.list.focus();
}

function leave() {
  if (inspector.isOpen) closeInspector();
  else if (runs.selected) go("");
  else if (view === "events") go("", "now");
}

// What is looked at stands behind the # of the address: it can be sent to somebody, and no server sees it.
function remember(isStep = false) {
  const wish = new URLSearchParams({ run: runs.selected });
  if (view === "events") {
    wish.set("view", "events");
    for (const name of ["kind", "type", "text"]) wish.set(name, fields[name].value);
  }
  if (aim?.event) wish.set("event", aim.event);
  if (aim?.at) wish.set("at", aim.at);
  for (const [name, value] of [...wish]) if (!value) wish.delete(name);
  const url = wish.size ? "#" + wish : location.pathname;
  if (isStep) history.pushState(null, "", url);
  else history.replaceState(null, "", url);
}

function recall() {
  const wish = new URLSearchParams(location.hash.slice(1));
  for (const name of ["type", "text"]) fields[name].value = wish.get(name) ?? "";
  for (const radio of fields.kind) radio.checked = radio.value === (wish.get("kind") ?? "");
  if (!fields.kind.value) fields.kind[0].checked = true;
  timeline.text = fields.text.value.trim().toLowerCase();
  const run = wish.get("run") ?? "";
  aim = wish.get("event") ? { event: wish.get("event") } : wish.get("at") ? { at: wish.get("at") } : null;
  const isTable = wish.get("view") === "events" || (!run && ["kind", "type", "text"].some((name) => wish.has(name)));
  show(run, viewOf(run, isTable ? "events" : ""));
}

function searched() {
  remember();
  timeline.search(fields.text.value);
}

let typing = 0;
filters.addEventListener("submit", (event) => event.preventDefault());
filters.addEventListener("input", (event) => {
  clearTimeout(typing);
  const isText = event.target === fields.text;
  // A kind and a type are two ways to say the same: the newer wish counts.
  if (event.target === fields.type) fields.kind[0].checked = true;
  else if (!isText) fields.type.value = "";
  const act = isText ? searched : begunAnew;
  typing = setTimeout(act, event.target.type === "radio" ? 0 : TYPING_MS);
});

at("hold").addEventListener("click", () => {
  const isHeld = !timeline.isHeld;
  timeline.hold(isHeld);
  at("hold").setAttribute("aria-pressed", String(isHeld));
  setText(at("hold"), isHeld ? "Resume" : "Pause");
});

at("notice-close").addEventListener("click", () => notice(""));
at("tab-now").addEventListener("click", () => go("", "now"));
at("tab-events").addEventListener("click", () => go("", "events"));
at("back").addEventListener("click", () => go(""));

at("older").addEventListener("click", () => {
  tail = TAILS.find((count) => count > tail) ?? tail;
  begin();
});

// A link was typed or pasted, or somebody went back.
window.addEventListener("popstate", () => {
  const before = `${runs.selected} ${view} ${typesWished()}`;
  recall();
  if (before !== `${runs.selected} ${view} ${typesWished()}` || aim) begin();
});

async function showRights() {
  document.body.classList.toggle("read-only", !(await mayFollow()));
  const may = await upstreamRights();
  startForm.allow(may.start);
  cancelQuestion.allow(may.cancel);
}

startAccess(
  () => {
    showRights();
    runs.read();
    truth.begin();
    begin();
  },
  () => {
    stream.end();
    story.close();
    timeline.clear();
    inspector.show(null);
    runs.note([]);
    startForm.allow(false);
    cancelQuestion.allow(false);
  },
  () => {
    stream.rest();
    storyStream.end();
  },
);
startKeys({ timeline, story, leave, view: () => view, runs, go });
recall();
begin();
showRights();
truth.begin();
runs.keepReading();
