// What a record says to a person: its kind, how grave it is, and one sentence.

import { feedOf } from "/page/feeds.js";
import { kindOf, sentenceOf } from "/page/elsewhere.js";
import { WHY_GAP } from "/page/story.js";

const SOUGHT_CHARS_MAX = 4000; // of each part that a search looks into
const TEXT_CHARS_MAX = 300; // of a row; the whole record is one key away

// kind: the word in the row; tone: its colour, never the only sign; mark: its icon.
const KINDS = {
  __proto__: null,
  "com.mogplex.run.status": ["status", "calm", "turn"],
  "com.mogplex.run.event.started": ["started", "calm", "begin"],
  "com.mogplex.run.event.status_changed": ["status_changed", "calm", "turn"],
  "com.mogplex.run.event.tool_started": ["tool_started", "plain", "tool"],
  "com.mogplex.run.event.tool_finished": ["tool_finished", "plain", "done"],
  "com.mogplex.run.event.cancel_requested": ["cancel_requested", "warn", "stop"],
  "com.mogplex.run.event.cancelled": ["cancelled", "warn", "stop"],
  "com.mogplex.run.event.finished": ["finished", "good", "end"],
  "com.mogplex.run.event.failed": ["failed", "bad", "fail"],
  "com.mogplex.run.event.log": ["log", "plain", "log"],
  "bridge.run.ended": ["run ended", "good", "end"],
  "bridge.gap": ["gap", "bad", "gap"],
  "bridge.follow.failed": ["follow failed", "bad", "fail"],
  "bridge.reset": ["reset", "warn", "reset"],
};

const TONE_OF_END = { __proto__: null, success: "good", succeeded: "good", archived: "good", failed: "bad", cancelled: "warn" };

const WHY_RESET = {
  __proto__: null,
  dropped: "they are older than the records kept",
  epoch: "the journal was replaced",
  ahead: "the position is after the end of the journal",
  not_understood: "the position to resume from is not valid",
};

export function failureText(failure) {
  return [failure?.code, failure?.message].filter(Boolean).join(": ");
}

const IS_ENDED = /^bridge\.\w+\.ended$/;

function ofOthers(type, data) {
  if (IS_ENDED.test(type)) return ended(data);
  if (type.endsWith(".status")) return (data.previousStatus ? `${data.previousStatus} → ` : "") + String(data.status);
  return sentenceOf(type, data);
}

const ended = (data) => `${data.status}${data.error ? `: ${data.error}` : ""} (${data.events} events, ${data.gaps || "no"} gap${data.gaps === 1 ? "" : "s"})`;

function sentence(type, record, data) {
  switch (type) {
    case "com.mogplex.run.status":
      return (data.previousStatus ? `${data.previousStatus} → ${data.status}` : String(data.status)) + (data.run?.error ? `: ${data.run.error}` : "");
    case "bridge.run.ended":
      return ended(data);
    case "bridge.gap":
      return `${data.missing ?? "an unknown number of"} events are missing: ${WHY_GAP[data.reason] ?? data.reason}`;
    case "bridge.follow.failed":
      return `follow failed: ${failureText(data)}`;
    case "bridge.reset":
      return `records before this are missing: ${WHY_RESET[record.reason] ?? record.reason}`;
    default:
      return type.startsWith("com.mogplex.") ? String(data.message ?? "") : ofOthers(type, data);
  }
}

// What a row does not show and a search should find all the same: commands, outputs, errors.
function deep(data) {
  const payload = data.payload ?? {};
  const parts = [data.message, payload.output, payload.error, payload.stderr, data.error, data.run?.error];
  for (const name of ["command", "path", "query"]) parts.push(payload.input?.[name]);
  return parts.filter((part) => typeof part === "string").map((part) => part.slice(0, SOUGHT_CHARS_MAX)).join(" ");
}

function usualOf(type) {
  if (type.startsWith("com.mogplex.")) return [type.replace(/^com\.mogplex\.run\.(event\.)?/, ""), "plain", "log"];
  if (IS_ENDED.test(type)) return [kindOf(type), "good", "end"];
  return type.endsWith(".status") ? [kindOf(type), "calm", "turn"] : [kindOf(type), "plain", "log"];
}

function toneOf(type, data, usual) {
  if (IS_ENDED.test(type) || type === "com.mogplex.run.status") return TONE_OF_END[data.status] ?? TONE_OF_END[data.state] ?? usual;
  if (Number.isInteger(data.exit_code) && data.exit_code !== 0) return "warn";
  const state = data.payload?.state;
  return state === "error" || state === "failed" ? "warn" : usual;
}

// One record as the page keeps it: a few words, and the bytes to show when somebody asks.
export function read(raw, record = JSON.parse(raw)) {
  const data = record.data ?? {};
  const type = String(record.type);
  const [kind, usual, mark] = KINDS[type] ?? usualOf(type);
  const text = sentence(type, record, data).slice(0, TEXT_CHARS_MAX);
  const tool = typeof data.toolName === "string" ? data.toolName : "";
  const run = String(record.subject ?? "");
  const tone = toneOf(type, data, usual);
  const isTroubled = (tone === "bad" || tone === "warn") && tone !== usual;
  return {
    raw,
    id: String(record.id ?? ""),
    type,
    kind,
    tone,
    mark: isTroubled ? (tone === "warn" && mark === "end" ? "stop" : "fail") : mark,
    tool,
    text,
    run,
    feed: feedOf(record),
    keptAt: Date.parse(record.recordedtime), // milliseconds; NaN for a reset
    time: record.time ?? record.recordedtime ?? new Date().toISOString(),
    sought: `${kind} ${tool} ${text} ${run} ${deep(data)}`.toLowerCase(),
  };
}
