// A run as a story: records in their order become blocks. Pure; nothing of the page is known here.
//
// say: what the agent said, fragments joined verbatim. tool: one call, start and finish paired by
// toolCallId, else by order. talk: somebody's message in a conversation. log: lines of a log. note,
// progress, gap, wait, end: quiet lines. A block is an object that
// lives as long as the story; `version` counts its changes.

import { wordsOf } from "/page/elsewhere.js";

const SENTENCE_END = /[.!?…]["')\]]?$/;
const EXIT = /exit(?:ed)?(?: with)?(?: code| status)? (-?\d{1,6})/;
const CHANGED = /\(\+(\d{1,7}) [-−](\d{1,7})\)/;
const UPSTREAM_CUT = /\.\.\.\[truncated (\d+) chars\]$/;
const INPUT_NAMES = ["command", "cmd", "path", "file_path", "file", "query", "pattern", "url"];
const LINE_CHARS_MAX = 2000; // of a command or path
const LOG_LINES_MAX = 100; // of one block of a log
const LOG_CHARS_MAX = 16384;
const OUTPUT_CHARS_MAX = 65536; // of what a command has printed so far, from its end
const EVENT = "com.mogplex.run.event.";
const PAUSE_MS = 90000; // between two fragments; after that a new block begins

export const WHY_GAP = {
  __proto__: null,
  window_exhausted: "the run has more events than upstream shows on one page",
  window_jumped: "more events came between two reads than upstream shows on one page",
  segment_switched: "the run continued in a new segment before the old one was read completely",
  joined_late: "the run started before the bridge followed it",
  history_shrank: "upstream shows fewer events than before",
  unreadable: "an event from upstream could not be read",
  resume_unsupported: "upstream does not repeat events sent while no stream was connected",
  cursor_lost: "upstream does not know the last event that was read",
  count_mismatch: "upstream counts more events than it shows",
  log_jumped: "the log grew by more lines than upstream shows",
};

export class Story {
  constructor() {
    this.blocks = [];
    this.byEvent = new Map(); // id of an event -> the block that shows it
    this.open = []; // tool blocks without a finish
    this.byCall = new Map(); // toolCallId -> its block
    this.say = null; // the block of speech that may go on
    this.progress = null;
    this.end = null;
    this.title = "";
    this.status = "";
    this.log = null; // the block of lines that may go on
    this.numbers = { events: 0, messages: 0, tools: 0, failed: 0, gaps: 0, missing: 0 };
    this.made = 0;
    this.reordered = 0; // counts blocks that came anywhere but last
    this.fragments = 0;
  }

  // Take a parsed record; returns the block that is new or has changed, or null.
  take(record) {
    const type = String(record.type ?? "");
    const data = record.data !== null && typeof record.data === "object" ? record.data : {};
    const at = Date.parse(record.time ?? record.recordedtime);
    const block = type.startsWith(EVENT) ? this.event(data, at, record) : this.own(type, data, at, record);
    if (block && record.id) {
      block.events.push(record.id);
      this.byEvent.set(record.id, block);
    }
    return block;
  }

  event(data, at, record) {
    this.numbers.events += 1;
    const payload = data.payload !== null && typeof data.payload === "object" ? data.payload : {};
    const message = typeof data.message === "string" ? data.message : "";
    if (data.type === "log" && payload.kind === "assistant_delta") return this.fragment(message, at);
    if (data.type === "log" && payload.heartbeat) return null;
    if (data.type === "log" && payload.kind === "run_progress") return this.progressed(message, at);
    this.closeSay();
    switch (data.type) {
      case "tool_started":
        return this.began(data, payload, at);
      case "tool_finished":
        return this.finished(data, payload, at);
      case "log":
        return payload.kind === "assistant_final" ? this.final(message, at) : this.note(message, at, "plain", payload.stage);
      case "started":
        return this.started(message, payload, at);
      case "status_changed":
      case "finished":
        return null; // the status record and the end say it
      case "failed":
        return this.note(message || "failed", at, "bad");
      case "cancelled":
      case "cancel_requested":
        return this.note(message || data.type, at, "warn");
      default:
        return this.note(message || String(data.type ?? record.type), at, "plain", data.type);
    }
  }

  own(type, data, at, record) {
    if (type === "com.mogplex.run.status") return this.status_(data, at);
    this.closeSay();
    if (type === "bridge.gap") return this.gap(data, at);
    if (type === "bridge.follow.failed") {
      return this.note(`No longer followed: ${[data.code, data.message].filter(Boolean).join(": ")}`, at, "bad");
    }
    if (type === "bridge.reset") return this.note("Records before this are not there any more", at, "warn");
    if (/^bridge\.\w+\.ended$/.test(type)) return this.ended(data, at);
    if (type.endsWith(".status") && !type.includes(".event.")) return this.stands(data, at);
    this.numbers.events += 1;
    return this.elsewhere(wordsOf(type, data), data, at);
  }

  // An event of another system: a command is a tool call with what it prints, a text has its speaker.
  elsewhere(words, data, at) {
    const call = typeof data.exec_id === "string" ? data.exec_id : null;
    const block = call ? this.byCall.get(call) : null;
    switch (words.what) {
      case "command":
        return Object.assign(this.began({ toolName: "shell", message: words.text }, { toolCallId: call }, at), { isTerminal: true });
      case "exit": {
        const payload = { toolCallId: call, exitCode: words.code, durationMs: words.lastedMs, output: block?.output ?? "" };
        return Object.assign(this.finished({ toolName: "shell", message: words.text }, payload, at), { isTerminal: true });
      }
      case "speech":
        return this.add("say", at, { parts: [words.text], isOpen: false, until: at });
      case "talk":
        return this.talked(words, at);
      case "line":
        if (!block || block.state !== "running") return this.printed(words.text, at);
        block.output = (block.output + words.text + "\n").slice(-OUTPUT_CHARS_MAX);
        block.version += 1;
        return block;
      default:
        return this.note(words.text, at, words.tone, words.topic);
    }
  }

  add(kind, at, more) {
    const block = { kind, at, events: [], version: 0, number: this.made++, ...more };
    if (this.end && kind !== "end") {
      this.blocks.splice(this.blocks.length - 1, 0, block); // a late word stands above the end
      this.reordered += 1;
    } else this.blocks.push(block);
    return block;
  }

  // Speech

  fragment(text, at) {
    if (!this.say || at - this.say.until > PAUSE_MS) this.say = this.add("say", at, { parts: [], isOpen: true });
    const { say } = this;
    const last = say.parts.at(-1) ?? "";
    // Some harnesses send sentences without blanks, others cut words: a blank is put in where surely one belongs.
    if (last && SENTENCE_END.test(last.slice(-3)) && /^\p{Lu}/u.test(text)) say.parts.push(" ");
    say.parts.push(text);
    say.until = at;
    say.version += 1;
    say.text_ = undefined;
    this.fragments += 1;
    return say;
  }

  closeSay() {
    if (!this.say) return;
    this.say.isOpen = false;
    this.say.version += 1;
    this.say = null;
  }

  // The whole of what was said in pieces takes their place.
  final(text, at) {
    if (!text.trim()) return null;
    const said = this.blocks.findLast((block) => block.kind === "say");
    if (said) {
      const [before, now] = [bare(textOf(said)), bare(text)];
      if (before && (now.startsWith(before) || before.endsWith(now))) {
        if (now.length >= before.length) {
          said.parts = [text];
          said.text_ = undefined;
        }
        said.version += 1;
        return said;
      }
    }
    return this.add("say", at, { parts: [text], isOpen: false, until: at });
  }

  // Tools

  began(data, payload, at) {
    const block = this.add("tool", at, {
      name: word(data.toolName) || "tool",
      title: inputOf(payload) || oneLine(data.message),
      path: pathOf(payload),
      call: typeof payload.toolCallId === "string" ? payload.toolCallId : null,
      state: "running",
      output: "",
    });
    this.open.push(block);
    if (block.call) this.byCall.set(block.call, block);
    return block;
  }

  finished(data, payload, at) {
    const call = typeof payload.toolCallId === "string" ? payload.toolCallId : null;
    const name = word(data.toolName) || "tool";
    let index = this.open.findIndex((block) => (call ? block.call === call : block.name === name));
    if (index < 0 && call) index = this.open.findIndex((block) => block.call === null && block.name === name);
    const message = typeof data.message === "string" ? data.message : "";
    let block;
    if (index >= 0) [block] = this.open.splice(index, 1);
    else if (call && this.byCall.has(call)) return this.byCall.get(call); // a second finish: the raw view has it
    else block = this.add("tool", at, { name, title: inputOf(payload) || oneLine(message), path: pathOf(payload), call, isLate: true });
    this.numbers.tools += 1;
    const exit = exitOf(payload, message);
    const isDenied = payload.state === "denied";
    const isBad = isDenied || payload.state === "error" || payload.state === "failed" || (exit !== null && exit !== 0);
    if (isBad) this.numbers.failed += 1;
    const changed = CHANGED.exec(message);
    Object.assign(block, {
      state: isDenied ? "denied" : isBad ? "failed" : "ok",
      endedAt: at,
      exit,
      lastedMs: typeof payload.durationMs === "number" ? payload.durationMs : index >= 0 ? at - block.at : null,
      added: changed ? Number(changed[1]) : null,
      removed: changed ? Number(changed[2]) : null,
      said: message,
      version: block.version + 1,
      ...outputOf(payload),
    });
    return block;
  }

  // Messages and logs

  talked({ text, who, kind, parent, thread }, at) {
    this.numbers.messages += 1;
    return this.add("talk", at, { text, who: oneLine(who), what: kind, parent, thread, answers: this.byEvent.get(parent) ?? null });
  }

  // Lines stand together until something else comes; a block that is long enough is left as it is.
  printed(line, at) {
    const { log } = this;
    const isFull = log && (log.lines >= LOG_LINES_MAX || log.output.length >= LOG_CHARS_MAX);
    if (!log || isFull || this.blocks.at(-1) !== log) this.log = this.add("log", at, { output: "", lines: 0 });
    this.log.output += line + "\n";
    this.log.lines += 1;
    this.log.version += 1;
    return this.log;
  }

  // The status of a feed that is no run of Mogplex.
  stands(data, at) {
    const before = typeof data.previousStatus === "string" ? `${data.previousStatus} → ` : "";
    return this.note(`${before}${data.status ?? "unknown"}`, at, data.state === "failed" ? "bad" : "plain", "status");
  }

  // Quiet lines

  note(text, at, tone, topic) {
    return this.add("note", at, { text, tone, topic: typeof topic === "string" ? topic : "" });
  }

  progressed(text, at) {
    if (!this.progress || this.blocks.at(-1) !== this.progress) {
      const before = this.progress;
      this.closeSay();
      if (before) {
        // One line that moves along, not one for each.
        this.blocks.splice(this.blocks.lastIndexOf(before), 1);
        this.reordered += 1;
      }
      this.progress = this.add("progress", at, { text });
      if (before) before.events.forEach((id) => this.byEvent.set(id, this.progress));
      return this.progress;
    }
    Object.assign(this.progress, { text, at, version: this.progress.version + 1 });
    return this.progress;
  }

  started(message, payload, at) {
    const prompt = typeof payload.prompt === "string" ? payload.prompt : "";
    if (!prompt || this.title) return this.note(message, at, "plain", "started");
    this.title = titleOf(prompt);
    return this.add("begin", at, { text: prompt });
  }

  status_(data, at) {
    const before = this.status;
    this.status = String(data.status ?? "");
    this.row = data.run ?? this.row;
    if (this.status === "awaiting_input") {
      this.closeSay();
      return this.add("wait", at, { text: "Waits for input" });
    }
    if (before === "awaiting_input" && this.status === "streaming") return this.add("wait", at, { text: "Resumed", isOver: true });
    return null;
  }

  gap(data, at) {
    this.numbers.gaps += 1;
    this.numbers.missing += data.missing ?? 0;
    const count = data.missing === null || data.missing === undefined ? "An unknown number of events is" : data.missing === 1 ? "1 event is" : `${data.missing.toLocaleString("en")} events are`;
    return this.add("gap", at, { text: `${count} missing: ${WHY_GAP[data.reason] ?? data.reason}` });
  }

  ended(data, at) {
    for (const block of this.open.splice(0)) {
      block.state = "unfinished";
      block.version += 1;
    }
    const row = this.row ?? {};
    const endedAt = Date.parse(data.endedAt ?? row.updatedAt ?? "") || at;
    const startedAt = Date.parse(data.startedAt ?? row.createdAt ?? "") || (this.blocks[0]?.at ?? at);
    this.end = this.add("end", endedAt, {
      status: String(data.status ?? "ended"),
      state: typeof data.state === "string" ? data.state : "",
      reason: String(data.error ?? row.error ?? ""),
      lastedMs: Math.max(0, endedAt - startedAt),
      failedCall: this.blocks.findLast((block) => block.kind === "tool" && block.state === "failed") ?? null,
      numbers: { ...this.numbers },
    });
    return this.end;
  }

  get running() {
    return this.open.at(-1) ?? null;
  }

  get lastSaid() {
    const said = this.blocks.findLast((block) => block.kind === "say");
    return said ? oneLine(textOf(said).slice(-400)) : "";
  }
}

// What a block of speech says; joined when somebody asks, for fragments come by the thousand.
export function textOf(block) {
  if (block.kind !== "say") return block.text ?? "";
  block.text_ ??= block.parts.join("");
  if (block.parts.length > 1) block.parts = [block.text_];
  return block.text_;
}

export const isProblem = (block) =>
  (block.kind === "tool" && (block.state === "failed" || block.state === "denied" || block.state === "unfinished")) ||
  block.kind === "gap" ||
  (block.kind === "note" && block.tone === "bad") ||
  (block.kind === "end" && block.state !== "succeeded" && block.status !== "success" && block.status !== "succeeded");

// Everything of a block that a search looks into.
export function soughtOf(block) {
  if (block.sought !== undefined && block.soughtVersion === block.version) return block.sought;
  const parts = [textOf(block), block.who, block.what, block.name, block.title, block.path, block.output, block.reason, block.status, block.said];
  block.sought = parts.filter(Boolean).join("\n");
  block.soughtVersion = block.version;
  return block.sought;
}

export function titleOf(prompt) {
  const line = prompt.split(/\r?\n/).map((text) => text.replace(/^[\s#*-]+/, "").trim()).find(Boolean) ?? "";
  return line.length > 120 ? line.slice(0, 119) + "…" : line;
}

const bare = (text) => text.replace(/\s+/g, "");
const word = (value) => (typeof value === "string" ? value : "");

function oneLine(value) {
  return typeof value === "string" ? value.slice(0, LINE_CHARS_MAX).replace(/\s+/g, " ").trim() : "";
}

export function inputOf(payload) {
  const given = payload.input;
  if (typeof given === "string") return oneLine(given);
  if (given === null || typeof given !== "object") return "";
  for (const name of INPUT_NAMES) {
    const value = Array.isArray(given[name]) ? given[name].join(" ") : given[name];
    if (typeof value === "string" && value.trim()) return oneLine(value);
  }
  return "";
}

const pathOf = (payload) => word(payload.input?.path ?? payload.input?.file_path ?? payload.input?.file);

function exitOf(payload, message) {
  const code = payload.exitCode ?? payload.exit_code;
  if (Number.isInteger(code)) return code;
  const match = EXIT.exec(message);
  return match ? Number(match[1]) : null;
}

function outputOf(payload) {
  const output = ["output", "stderr", "error", "result", "diff"].map((name) => payload[name]).find((value) => typeof value === "string" && value);
  if (!output) return { output: "", cut: 0 };
  const cut = UPSTREAM_CUT.exec(output);
  return cut ? { output: output.slice(0, cut.index), cut: Number(cut[1]) } : { output, cut: 0 };
}
