// The live page: runs by polling /v1/runs, events by EventSource. Records hold text of anybody, so
// everything is written with textContent, and nothing is kept beyond ROWS_MAX rows.

const ROWS_MAX = 500; // rows in the list; more cannot be read anyway
const WAITING_MAX = 500; // records between two frames of the screen, or while paused
const TAIL = 100; // records shown at once when the page opens
const RUNS_EVERY_MS = 2000;
const RUNS_SHOWN_MAX = 200;
const TEXT_CHARS_MAX = 400; // of a row; the whole record is behind it

const at = (id) => document.getElementById(id);
const list = at("events");
const filters = at("filters");

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

const short = (id) => (id && id.length > 13 ? id.slice(0, 8) + "…" : id || "");

function clock(iso) {
  const when = new Date(iso);
  return Number.isNaN(when.getTime())
    ? ""
    : when.toLocaleTimeString([], { hour12: false }) + "." + String(when.getMilliseconds()).padStart(3, "0");
}

function span(seconds) {
  if (typeof seconds !== "number") return "–";
  if (seconds < 10) return seconds.toFixed(1) + " s";
  if (seconds < 120) return Math.round(seconds) + " s";
  return Math.round(seconds / 60) + " min";
}

// Access: without [auth] nothing of this is used. With it, the token of this tab goes into a header,
// and streams, which cannot send headers, get a one-use ticket each time they connect.

const TOKEN = "mogplex-bridge.token";
const RETRY_MS = 2000;

async function ask(path, options = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = token ? { Authorization: "Bearer " + token } : {};
  const response = await fetch(path, { ...options, cache: "no-store", headers });
  at("entrance").hidden = response.status !== 401;
  if (!response.ok) throw new Error(response.status === 401 ? "sign in first" : "HTTP " + response.status);
  return response;
}

at("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = event.target.elements.token;
  sessionStorage.setItem(TOKEN, field.value.trim());
  field.value = "";
  showRuns();
  connect();
});

// Runs

const TONE_OF_STATE = { following: "calm", ended: "good", failed: "bad", stopped: "" };
const TONE_OF_STATUS = { success: "good", failed: "bad", cancelled: "warn" };

function failureText(failure) {
  if (!failure) return "";
  return [failure.code, failure.message].filter(Boolean).join(": ").slice(0, 120);
}

function runRow(view) {
  const row = element("tr");
  const name = element("td");
  const pick = element("button", "", short(view.runId));
  pick.type = "button";
  pick.title = view.runId + " – show only its events";
  pick.dataset.run = view.runId;
  name.append(pick);
  row.append(
    name,
    element("td", "", view.account),
    element("td", TONE_OF_STATE[view.state] ?? "", view.state),
    element("td", TONE_OF_STATUS[view.status] ?? "", view.status ?? "–"),
    element("td", "number", view.events ?? 0),
    element("td", "number" + (view.gaps ? " bad" : ""), view.gaps ?? 0),
    element("td", "number", span(view.lagSeconds)),
    element("td", "", view.followedBy ?? "–"),
    element("td", "wide", failureText(view.lastFailure)),
  );
  return row;
}

let runsShown = "";

async function showRuns() {
  try {
    const response = await ask("/v1/runs");
    const text = await response.text();
    at("runs-note").textContent = "";
    if (text === runsShown) return; // no new rows under a reader's cursor for nothing
    runsShown = text;
    const { runs } = JSON.parse(text);
    const focused = document.activeElement?.dataset?.run;
    const body = at("runs").tBodies[0];
    body.replaceChildren(...runs.slice(0, RUNS_SHOWN_MAX).map(runRow));
    if (focused) body.querySelector(`[data-run="${CSS.escape(focused)}"]`)?.focus();
    at("runs").hidden = runs.length === 0;
    at("no-runs").hidden = runs.length > 0;
    const following = runs.filter((run) => run.state === "following").length;
    at("runs-note").textContent =
      `${following} of ${runs.length} followed now` +
      (runs.length > RUNS_SHOWN_MAX ? `, the newest ${RUNS_SHOWN_MAX} shown` : "");
  } catch (error) {
    runsShown = "";
    at("runs-note").textContent = `cannot be read: ${error.message}`;
  }
}

async function keepRuns() {
  if (!document.hidden) await showRuns();
  setTimeout(keepRuns, RUNS_EVERY_MS);
}

at("runs").addEventListener("click", (event) => {
  const run = event.target.dataset?.run;
  if (!run) return;
  filters.elements.run.value = filters.elements.run.value === run ? "" : run;
  filters.requestSubmit();
});

// Events

const TONE_OF_TYPE = {
  "bridge.gap": "bad",
  "bridge.follow.failed": "bad",
  "bridge.reset": "warn",
  "com.mogplex.run.event.failed": "warn",
  "com.mogplex.run.event.cancelled": "warn",
};

function sentence(record) {
  const data = record.data ?? {};
  switch (record.type) {
    case "com.mogplex.run.status":
      return `${data.previousStatus ?? "–"} → ${data.status}`;
    case "bridge.run.ended":
      return `ended: ${data.status}, ${data.events} events, ${data.gaps} gaps`;
    case "bridge.gap":
      return `a hole: ${data.missing ?? "unknown many"} missing (${data.reason})`;
    case "bridge.follow.failed":
      return `given up: ${failureText(data)}`;
    case "bridge.reset":
      return `records were missed: asked for ${record.asked}, the oldest kept is ${record.oldest} (${record.reason})`;
    default:
      return [data.toolName, data.message].filter(Boolean).join(" · ");
  }
}

function eventRow(record) {
  const row = element("li", ["fresh", TONE_OF_TYPE[record.type]].filter(Boolean).join(" "));
  const details = element("details");
  const line = element("summary");
  const type = String(record.type).replace(/^com\.mogplex\.run\.(event\.)?/, "");
  line.append(
    element("time", "", clock(record.time ?? record.recordedtime ?? new Date().toISOString())),
    element("span", "run mono", short(record.subject)),
    element("span", "type", type),
    element("span", "text", sentence(record).slice(0, TEXT_CHARS_MAX)),
  );
  details.append(line);
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) {
      details.append(element("pre", "", JSON.stringify(record, null, 2)));
    }
  });
  row.append(details);
  return row;
}

let waiting = []; // records that are not rows yet, oldest first
let skipped = 0; // of those, dropped because nobody could have read them
let isDrawing = false;
let isHeld = false;
let seen = 0;
let seenBefore = 0;

function take(record) {
  seen += 1;
  waiting.push(record);
  if (waiting.length > WAITING_MAX) {
    waiting.shift();
    skipped += 1;
  }
  if (isHeld) {
    at("held").textContent = `paused: ${waiting.length + skipped} new`;
  } else if (!isDrawing) {
    isDrawing = true;
    requestAnimationFrame(draw);
  }
}

function draw() {
  isDrawing = false;
  const rows = document.createDocumentFragment();
  for (const record of waiting.reverse()) rows.append(eventRow(record));
  if (skipped) rows.append(element("li", "empty", `${skipped} more came in between; the journal has them`));
  waiting = [];
  skipped = 0;
  list.prepend(rows);
  while (list.childElementCount > ROWS_MAX) list.lastElementChild.remove();
}

function setLink(state, text) {
  at("link").dataset.state = state;
  at("link").textContent = text;
}

let source;
let attempt = 0; // counts calls of open: an older one that still waits for its ticket gives way

function connect() {
  list.replaceChildren();
  waiting = [];
  skipped = 0;
  history.replaceState(null, "", "#" + new URLSearchParams(new FormData(filters)));
  open("");
}

async function open(lastId) {
  const mine = ++attempt;
  source?.close();
  setLink("waiting", "connecting");
  const query = new URLSearchParams(lastId ? { after: lastId } : { tail: TAIL });
  for (const name of ["run", "type"]) {
    for (const value of filters.elements[name].value.split(/[\s,]+/).filter(Boolean)) {
      query.append(name, value);
    }
  }
  const hasToken = sessionStorage.getItem(TOKEN) !== null;
  if (hasToken) {
    try {
      const response = await ask("/v1/tickets", { method: "POST" });
      query.set("ticket", (await response.json()).ticket);
    } catch (error) {
      setLink("lost", error.message);
      setTimeout(() => mine === attempt && open(lastId), RETRY_MS * 2);
      return;
    }
    if (mine !== attempt) return;
  }
  let last = lastId;
  const receive = (event) => {
    last = event.lastEventId || last;
    take(JSON.parse(event.data));
  };
  source = new EventSource("/v1/events?" + query);
  source.addEventListener("open", () => setLink("live", "live"));
  source.addEventListener("message", receive);
  source.addEventListener("bridge.reset", receive);
  source.addEventListener("error", () => {
    const isOver = source.readyState === EventSource.CLOSED;
    setLink(isOver ? "lost" : "waiting", isOver ? "refused; check the filters" : "reconnecting");
    if (hasToken) {
      source.close(); // its own next try would send the spent ticket
      setTimeout(() => mine === attempt && open(last), RETRY_MS);
    }
  });
}

filters.addEventListener("submit", (event) => {
  event.preventDefault();
  connect();
});

at("hold").addEventListener("click", () => {
  isHeld = !isHeld;
  at("hold").setAttribute("aria-pressed", String(isHeld));
  at("hold").textContent = isHeld ? "Go on" : "Pause";
  at("held").hidden = !isHeld;
  at("held").textContent = "paused";
  if (!isHeld) draw();
});

setInterval(() => {
  at("figures").textContent = `${seen - seenBefore} events/s · ${seen.toLocaleString()} since opened`;
  seenBefore = seen;
}, 1000);

const wished = new URLSearchParams(location.hash.slice(1));
for (const name of ["run", "type"]) filters.elements[name].value = wished.get(name) ?? "";
connect();
keepRuns();
