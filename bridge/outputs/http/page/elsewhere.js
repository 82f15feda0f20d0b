// What events of other systems say, by the shape of their data: a command and its end, a line of a
// log, somebody's words. Pure.

const TEXTS = ["message", "text", "content", "line", "status", "state", "error"];
const isText = (value) => typeof value === "string" && value !== "";

// {what: "command" | "exit" | "line" | "speech" | "talk" | "say", text, topic, tone, code, lastedMs}; of
// talk also `who` and `kind` (of message; "" the usual one), `parent` and `thread` (ids or "").
export function wordsOf(type, data) {
  const name = nameOf(type);
  const more = data.metadata !== null && typeof data.metadata === "object" ? { ...data, ...data.metadata } : data;
  if (Number.isInteger(more.exit_code)) {
    const lastedMs = Number.isFinite(more.duration_ms) ? Math.max(0, more.duration_ms) : undefined;
    return { what: "exit", text: textOf({ message: more.command ?? data.message }), code: more.exit_code, lastedMs, tone: more.exit_code ? "bad" : "plain" };
  }
  if (isText(more.command)) return { what: "command", text: more.command, tone: "plain" };
  if (name === "assistant.message" && isText(data.message)) return { what: "speech", text: data.message, topic: name, tone: "plain" };
  const who = isText(data.speaker_name) ? data.speaker_name : data.speaker_id;
  if (isText(who) && typeof data.text === "string") {
    const kind = name === "message" ? "" : ` [${name}]`;
    const isAnswer = isText(data.parent_event_id) || isText(data.thread_id);
    const talk = { who, kind: name === "message" ? "" : name, parent: idOf(data.parent_event_id), thread: idOf(data.thread_id) };
    return { what: "talk", text: data.text, topic: `${isAnswer ? "↳ " : ""}${who}${kind}`, tone: "plain", ...talk };
  }
  if (typeof data.line === "string") return { what: "line", text: data.line, tone: /(^|\.)stderr$/.test(name) ? "warn" : "plain" };
  return { what: "say", text: textOf(data) || name, topic: name, tone: "plain" };
}

const idOf = (value) => (isText(value) ? value : "");

// The type without what all events of a kind share: "exec.stdout", "question".
export const nameOf = (type) => type.split(".event.")[1] ?? type.split(".").at(-1);

// A row's sentence: "ana [question]: Ready?", "$ npm test", "exit 1".
export function sentenceOf(type, data) {
  const words = wordsOf(type, data);
  if (words.what === "command") return `$ ${words.text}`;
  if (words.what === "exit") return [words.text, `exit ${words.code}`].filter(Boolean).join(": ");
  return words.topic && words.topic !== nameOf(type) ? `${words.topic}: ${words.text}` : words.text;
}

// The word of a row: "space question", "sandbox exec.stdout", "build ended", "space status".
export function kindOf(type) {
  const found = /\.(\w+)\.(?:event\.(.+)|(status))$/.exec(type) ?? /^bridge\.(\w+)\.(ended)$/.exec(type);
  return found ? `${found[1]} ${found[2] ?? found[3]}` : type;
}

function textOf(data) {
  for (const name of TEXTS) if (isText(data[name])) return data[name];
  return "";
}
