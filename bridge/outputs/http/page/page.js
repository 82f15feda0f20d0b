// The live page: runs by reading /v1/runs, events by EventSource. This file wires the parts together.

import { startAccess } from "/page/access.js";
import { Inspector, RunDetail } from "/page/detail.js";
import { at, rate, setText, short, spark } from "/page/dom.js";
import { startKeys } from "/page/keys.js";
import { Runs } from "/page/runs.js";
import { Speaker } from "/page/speaker.js";
import { Stream } from "/page/stream.js";
import { Timeline } from "/page/timeline.js";

const TAILS = [500, 2000, 10000]; // events that a stream begins with; 10,000 is the server's limit
const TYPING_MS = 250; // between the last key and the search

const filters = at("filters");
const fields = filters.elements;
const speaker = new Speaker();
let tail = TAILS[0];

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
  (run) => selectRun(run),
);

const detail = new RunDetail(async (act, run) => {
  if (act === "close") return selectRun("");
  const note = act === "follow" ? await runs.follow(run) : await runs.unfollow(run);
  detail.say(note);
  if (!note) speaker.say(act === "follow" ? `${short(run)} is followed` : `${short(run)} is no longer followed`);
  showRun();
});

const runs = new Runs(
  (run) => selectRun(run),
  () => showReading(),
);

const stream = new Stream(
  (text) => timeline.take(text),
  (state, words) => {
    at("link").dataset.state = state;
    setText(at("link-text"), words);
  },
);

function typesWished() {
  const typed = fields.type.value.split(/[\s,]+/).filter((glob) => glob && glob !== "!");
  // A word without a star is looked for anywhere in the type, as people mean it.
  const globs = typed.map((glob) => (/[*?.]/.test(glob) ? glob : glob.replace(/^(!?)(.*)$/, "$1*$2*")));
  return [...fields.kind.value.split(" ").filter(Boolean), ...globs];
}

function begin() {
  timeline.clear();
  speaker.begin();
  inspector.show(null);
  notice("");
  const wish = [...(runs.selected ? [["run", runs.selected]] : []), ...typesWished().map((glob) => ["type", glob])];
  stream.begin(wish, tail);
}

function begunAnew() {
  tail = TAILS[0];
  remember();
  begin();
}

function selectRun(run) {
  if (run === runs.selected) return;
  runs.select(run);
  showRun();
  begunAnew();
}

function showRun() {
  detail.show(runs.selected, runs.find(runs.selected), runs.perSecond(runs.selected));
}

function showReading() {
  const { perSecond, bars } = runs.total;
  const following = runs.views.filter((view) => view.state === "following").length;
  const gaps = runs.views.reduce((sum, view) => sum + (view.gaps ?? 0), 0);
  setText(at("figure-runs"), following.toLocaleString("en"));
  setText(at("figure-rate"), rate(perSecond));
  setText(at("figure-gaps"), gaps.toLocaleString("en"));
  setText(at("figure-gaps-word"), gaps === 1 ? "gap" : "gaps");
  at("figure-gaps").classList.toggle("bad", gaps > 0);
  at("pulse").firstElementChild.setAttribute("d", spark(bars, 120, 24));
  document.title = following ? `${following} live – mogplex-bridge` : "mogplex-bridge";
  runs.showAccounts();
  showRun();
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
  else if (runs.selected) selectRun("");
}

// What is looked at stands behind the # of the address: it can be sent to somebody, and no server sees it.
function remember() {
  const wish = new URLSearchParams({ run: runs.selected, kind: fields.kind.value, type: fields.type.value, text: fields.text.value });
  for (const [name, value] of [...wish]) if (!value) wish.delete(name);
  history.replaceState(null, "", wish.size ? "#" + wish : location.pathname);
}

function recall() {
  const wish = new URLSearchParams(location.hash.slice(1));
  for (const name of ["type", "text"]) fields[name].value = wish.get(name) ?? "";
  for (const radio of fields.kind) radio.checked = radio.value === (wish.get("kind") ?? "");
  if (!fields.kind.value) fields.kind[0].checked = true;
  timeline.text = fields.text.value.trim().toLowerCase();
  runs.select(wish.get("run") ?? "");
  showRun();
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
  setText(at("hold"), isHeld ? "Go on" : "Pause");
});

at("notice-close").addEventListener("click", () => notice(""));

at("older").addEventListener("click", () => {
  tail = TAILS.find((count) => count > tail) ?? tail;
  begin();
});

window.addEventListener("hashchange", () => {
  recall(); // a link was typed or pasted
  begunAnew();
});

startAccess(
  () => {
    runs.read();
    begin();
  },
  () => {
    stream.end();
    timeline.clear();
    inspector.show(null);
    runs.note([]);
  },
  () => stream.rest(),
);
startKeys(timeline, leave);
recall();
begin();
runs.keepReading();
