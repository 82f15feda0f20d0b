// The pure modules of the page, in Node: what becomes of records, Markdown, colours, heights.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { load } from "./page_loader.mjs";

const { linesOf } = await load("ansi.js");
const { parse, safeUrl, settledLength } = await load("markdown.js");
const { Story, isProblem, soughtOf, textOf } = await load("story.js");
const { feedOf, keyOf, placeOf, viewsOf } = await load("feeds.js");
const { read } = await load("records.js");
const { statusOf } = await load("runs.js");
const { Heights } = await load("heights.js");
const { troubleOf } = await load("truth.js");
const { visible, visibleProse } = await load("visible.js");

let count = 0;
function step(name, act) {
  try {
    act();
  } catch (error) {
    error.message = `${name}: ${error.message}`;
    throw error;
  }
  count += 1;
}

let at = Date.parse("2026-08-03T15:00:00Z");
let number = 0;
function event(type, message, payload = {}, toolName = null) {
  at += 1000;
  number += 1;
  const time = new Date(at).toISOString();
  return { id: `e${number}`, type: `com.mogplex.run.event.${type}`, subject: "r", time, data: { type, message, payload, toolName, createdAt: time } };
}
const delta = (text) => event("log", text, { kind: "assistant_delta" });
const final = (text) => event("log", text, { kind: "assistant_final" });
const started = (call, command) => event("tool_started", command, { toolCallId: call, input: { command } }, "shell");
const finished = (call, state = "success", more = {}) => event("tool_finished", "", { toolCallId: call, state, ...more }, "shell");
const ended = (status, error) => ({ id: `x${++number}`, type: "bridge.run.ended", subject: "r", time: new Date(at).toISOString(), data: { status, error } });
function told(...records) {
  const story = new Story();
  for (const record of records) story.take(record);
  return story;
}
const words = (story) => story.blocks.map((block) => (block.kind === "say" ? textOf(block) : `${block.kind}:${block.title ?? block.text ?? block.status}:${block.state ?? ""}`));

const foreign = (type, data) => ({ id: `f${++number}`, type, subject: "x", time: new Date((at += 1000)).toISOString(), data });

step("a sandbox is a terminal, a space a conversation, a build a log", () => {
  const sandbox = "ai.miosa.sandbox.event.exec.";
  const run = foreign(`${sandbox}started`, { exec_id: "1", command: "npm test" });
  const out = foreign(`${sandbox}stdout`, { exec_id: "1", line: "1 passed" });
  const err = foreign(`${sandbox}stderr`, { exec_id: "1", line: "a warning" });
  const done = foreign(`${sandbox}completed`, { exec_id: "1", exit_code: 2, duration_ms: 5210 });
  const [block, ...more] = told(run, out, err, done).blocks;
  assert.deepEqual([more.length, block.kind, block.title, block.state, block.exit, block.lastedMs], [0, "tool", "npm test", "failed", 2, 5210]);
  assert.equal(block.output, "1 passed\na warning\n");
  assert.equal(read("", done).text, "exit 2");
  assert.equal(read("", out).kind, "sandbox exec.stdout");
  const said = foreign("io.mootup.space.event.question", { speaker_name: "ana", text: "Ready?", thread_id: "t" });
  const [note] = told(said).blocks;
  assert.deepEqual([note.kind, note.who, note.what, note.text, note.thread], ["talk", "ana", "question", "Ready?", "t"]);
  assert.deepEqual([read("", said).kind, read("", said).text], ["space question", "↳ ana [question]: Ready?"]);
  const line = (text) => foreign("ai.miosa.build.event.log", { line: text });
  const log = told(line("layer 1"), line("layer 2"), foreign("ai.miosa.build.event.build_event", { state: "building" }), line("layer 3"));
  assert.deepEqual(log.blocks.map((one) => one.output ?? one.text), ["layer 1\nlayer 2\n", "building", "layer 3\n"]);
  const end = foreign("bridge.space.ended", { status: "archived", state: "succeeded", events: 2, gaps: 0 });
  assert.deepEqual([read("", end).kind, read("", end).tone, read("", end).text], ["space ended", "good", "archived (2 events, no gaps)"]);
});

step("colours: one table of cases for the page and the terminal", () => {
  const cases = JSON.parse(readFileSync(new URL("../ansi_cases.json", import.meta.url), "utf8"));
  for (const [text, expected] of cases) assert.deepEqual(linesOf(text), expected, JSON.stringify(text));
});

step("fragments are one block, cut anywhere", () => {
  assert.deepEqual(words(told(delta("Hel"), delta("lo **wo"), delta("rld**"))), ["Hello **world**"]);
  assert.deepEqual(words(told(delta("A."), started("1", "ls"), delta("B."))), ["A.", "tool:ls:running", "B."]);
  assert.deepEqual(words(told(delta("It fails."), delta("I see."))), ["It fails. I see."]);
});

step("a final text takes the place of what it repeats", () => {
  assert.deepEqual(words(told(delta("A"), final("A"))), ["A"]);
  assert.deepEqual(words(told(delta("A b."), final("A b. C d."))), ["A b. C d."]);
  assert.deepEqual(words(told(final("Alone."))), ["Alone."]);
  assert.deepEqual(words(told(delta("Other."), final("New."))), ["Other.", "New."]);
  const late = told(delta("A"), ended("success"), final("A late word"));
  assert.equal(late.blocks.at(-1).kind, "end");
});

step("calls are paired by id, else by order; what is missing is said", () => {
  assert.deepEqual(words(told(started("1", "a"), finished("1"))), ["tool:a:ok"]);
  const three = told(started("1", "a"), started("2", "b"), started("3", "c"), finished("3"), finished("2", "error"), finished("1"));
  assert.deepEqual(words(three), ["tool:a:ok", "tool:b:failed", "tool:c:ok"]);
  assert.equal(told(finished("9")).blocks[0].isLate, true);
  assert.equal(told(started("1", "a"), ended("failed")).blocks[0].state, "unfinished");
  const twice = told(started("1", "a"), finished("1"), finished("1", "error"));
  assert.deepEqual(words(twice), ["tool:a:ok"]);
  assert.equal(twice.numbers.tools, 1);
  const nameless = told(event("tool_started", "a", {}, "shell"), event("tool_started", "b", {}, "shell"), event("tool_finished", "", {}, "shell"), event("tool_finished", "", { state: "error" }, "shell"));
  assert.deepEqual(words(nameless), ["tool:a:ok", "tool:b:failed"]);
  assert.equal(told(started("1", "a"), finished("1", "denied")).blocks[0].state, "denied");
});

step("what upstream cut is no output", () => {
  const [block] = told(started("1", "a"), finished("1", "error", { output: "abc...[truncated 41234 chars]" })).blocks;
  assert.deepEqual([block.output, block.cut], ["abc", 41234]);
});

step("progress is one line that moves along", () => {
  const progress = (text) => event("log", text, { kind: "run_progress" });
  assert.deepEqual(words(told(progress("1"), progress("2"))), ["progress:2:"]);
  assert.deepEqual(words(told(progress("1"), delta("A"), progress("2"))), ["A", "progress:2:"]);
});

step("the end has its reason, its duration, its numbers and the call that failed", () => {
  const row = { status: "failed", error: "Out of memory", createdAt: "2026-08-03T15:00:00Z", updatedAt: "2026-08-03T15:03:12Z" };
  const status = { id: "s", type: "com.mogplex.run.status", time: row.updatedAt, data: { status: "failed", run: row } };
  const { end } = told(started("1", "pytest"), finished("1", "error"), status, ended("failed"));
  assert.deepEqual([end.reason, end.lastedMs, end.failedCall.title, end.numbers.failed], ["Out of memory", 192000, "pytest", 1]);
});

step("problems: failed tools, failed status, failed end, gaps", () => {
  const gap = { id: "g", type: "bridge.gap", time: new Date(at).toISOString(), data: { reason: "window_jumped", missing: 12 } };
  const story = told(delta("A"), started("1", "a"), finished("1", "error"), gap, event("failed", "boom"), ended("failed"));
  assert.deepEqual(story.blocks.filter(isProblem).map((block) => block.kind), ["tool", "gap", "note", "end"]);
  assert.match(soughtOf(story.blocks[1]), /a/);
});

step("every event leads to its block", () => {
  const records = [delta("A"), delta("B"), started("1", "x"), finished("1")];
  const story = told(...records);
  assert.deepEqual(records.map((record) => story.byEvent.get(record.id)?.kind), ["say", "say", "tool", "tool"]);
});

step("Markdown: what agents write", () => {
  const kinds = (text) => parse(text).map((node) => node.kind);
  assert.deepEqual(kinds("# T\n\ntext\n\n- a\n- b\n\n1. x\n\n```py\nc\n```\n\n> q\n\n---\n\n|a|b|\n|-|-|\n|1|2|"), ["heading", "paragraph", "list", "list", "code", "quote", "rule", "table"]);
  assert.equal(parse("snake_case_name and 2 * 3 * 4")[0].inside.every((node) => node.kind === "text"), true);
  assert.equal(parse("```\nopen")[0].text, "open");
});

step("half a fence is not shown, and what is settled stays", () => {
  assert.deepEqual(parse("Hello\n\n``", true).map((node) => node.kind), ["paragraph"]);
  assert.equal(settledLength("a\n\nb"), 3);
  assert.equal(settledLength("```\na\n\nb"), 0);
});

step("HTML stays text, and no address but the web's is a link", () => {
  for (const text of ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<scratchpad>"]) {
    assert.equal(parse(text)[0].inside.map((node) => node.text).join(""), text);
  }
  for (const bad of ["javascript:alert(1)", "JaVa\tscript:x", "data:text/html,x", "vbscript:x", "//e.com", "file:///x", "https://a:b@e.com/"]) assert.equal(safeUrl(bad), null, bad);
  assert.equal(safeUrl("https://example.com/a").host, "example.com");
  assert.match(JSON.stringify(parse("![x](https://e.com/leak)")), /image: x/);
});

step("nothing hostile takes for ever", () => {
  const begun = process.cpuUsage().user;
  for (const text of ["*", "[", "_a ", "`", "a `", "> ", "a**b", "- ", "1. ", "[a](", "]("]) parse(text.repeat(40000));
  for (const text of ["\x1b[", "x\r", "\x1b]", "\x1b[31mx", "\x1b[399G\n"]) linesOf(text.repeat(20000));
  assert.ok(process.cpuUsage().user - begun < 30e6);
  parse("a **b** ".repeat(30000)); // more nodes than are made: shown as it was written
});

step("an answer knows what it answers, and one of what is not here says so", () => {
  const say = (id, more) => ({ ...foreign("io.mootup.space.event.message", { speaker_name: "ben", text: id, ...more }), id });
  const story = told(say("evt_1"), say("evt_2", { parent_event_id: "evt_1" }), say("evt_3", { parent_event_id: "evt_0" }));
  assert.equal(story.blocks[1].answers, story.blocks[0]);
  assert.deepEqual([story.blocks[2].answers, story.blocks[2].parent], [null, "evt_0"]);
  assert.equal(story.numbers.messages, 3);
});

step("a long log is many blocks, none of them long", () => {
  const story = told(...Array.from({ length: 1000 }, (_, index) => foreign("ai.miosa.build.event.log", { line: `line ${index}` })));
  assert.equal(story.blocks.length, 10);
  assert.equal(story.blocks.map((block) => block.output).join(""), Array.from({ length: 1000 }, (_, index) => `line ${index}\n`).join(""));
});

step("an end of another system is no problem when it succeeded", () => {
  const end = (status, state) => told(foreign("bridge.sandbox.ended", { status, state, events: 1, gaps: 0 })).end;
  assert.equal(isProblem(end("destroyed", "succeeded")), false);
  assert.equal(isProblem(end("error", "failed")), true);
  const [note] = told(foreign("ai.miosa.sandbox.status", { previousStatus: "creating", status: "running", state: "running" })).blocks;
  assert.equal(note.text, "creating → running");
});

step("a feed has one key, whatever its id is", () => {
  const ids = ["a:b@c", "OWNER/SID", "%", "%41", "ü ?#&", "a".repeat(3000), "\n"];
  for (const id of ids) for (const kind of ["space", "snapshot"]) for (const isShared of [false, true]) {
    const feed = { kind, id, account: isShared ? "my@acc" : "" };
    assert.deepEqual(placeOf(keyOf(feed, isShared)), feed, id);
  }
  const run = "3f0c1c52-0000-4000-8000-000000000000";
  assert.equal(keyOf({ kind: "run", id: run, account: "a" }), run);
  assert.deepEqual(placeOf(run), { kind: "run", id: run, account: "" });
  assert.deepEqual(placeOf("snapshot:me/base"), { kind: "snapshot", id: "me/base", account: "" });
  assert.equal(keyOf({ kind: "space", id: "\ud800", account: "" }), "space:%EF%BF%BD");
  const two = viewsOf(["a", "b"].map((account) => ({ kind: "tenant", id: "tenant", account, state: "running", following: "following" })));
  assert.deepEqual(two.map((view) => view.key), ["tenant:tenant@a", "tenant:tenant@b"]);
  assert.deepEqual(feedOf({ source: "/miosa/two%20words/tenant", subject: "tenant" }), { kind: "tenant", id: "tenant", account: "two words" });
  assert.deepEqual(feedOf({ source: "/miosa/b/sandboxs/x", subject: "x" }), { kind: "sandbox", id: "x", account: "b" });
});

step("ten thousand words in one block are joined once for each look", () => {
  const story = new Story();
  for (let index = 0; index < 10000; index++) story.take(delta("word "));
  assert.equal(story.blocks.length, 1);
  assert.equal(textOf(story.blocks[0]).length, 50000);
  assert.equal(story.blocks[0].parts.length, 1);
});

step("places and heights agree", () => {
  const heights = new Heights();
  const values = [];
  for (let index = 0; index < 500; index++) {
    const value = 10 + ((index * 37) % 90);
    values.push(value);
    heights.push(value);
  }
  values[100] = 500;
  heights.set(100, 500);
  let sum = 0;
  values.forEach((value, index) => {
    assert.equal(heights.before(index), sum);
    assert.equal(heights.at(sum), index);
    assert.equal(heights.at(sum + value - 1), index);
    sum += value;
  });
  assert.equal(heights.total, sum);
  assert.equal(heights.at(sum + 999), 499);
});

step("a word of upstream that every object has is a word like any other", () => {
  for (const word of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
    assert.deepEqual(statusOf({ state: "following", status: word }), ["plain", "begin", word]);
    assert.deepEqual(statusOf({ kind: "sandbox", system: "miosa", status: word, phase: word }), ["plain", "begin", word]);
    assert.equal(typeof read(JSON.stringify(ended(word, null))).tone, "string");
    assert.equal(typeof read(JSON.stringify(event(word, "x"))).tone, "string");
  }
});

step("true state: which trouble, in which order", () => {
  const live = { state: "live" };
  assert.equal(troubleOf({ link: live, checks: { journal: { ok: true } }, views: [] }), null);
  assert.equal(troubleOf({ link: { state: "lost" }, checks: null, views: [] }).pill, "Bridge unreachable");
  const limited = { "account default": { ok: false, detail: "429 until 12:00" } };
  assert.equal(troubleOf({ link: live, checks: limited, views: [] }).pill, "Rate limited");
  const refused = { "account default": { ok: false, detail: "token refused (401)" } };
  assert.equal(troubleOf({ link: live, checks: refused, views: [] }).pill, "Token refused");
  const failing = [{ state: "following", lastFailure: { code: "TRANSPORT", message: "connection refused" } }];
  assert.equal(troubleOf({ link: live, checks: null, views: failing }).pill, "Upstream down");
  assert.equal(troubleOf({ link: live, checks: null, views: [...failing, { state: "following" }] }), null);
});

step("what hides or reorders is shown", () => {
  assert.equal(visible("a\u202eb"), "a‹U+202E›b");
  assert.equal(visible("\u{e0041}"), "‹U+E0041›");
  assert.equal(visible("a" + "\u0301".repeat(500)).length, 9);
  assert.equal(visibleProse("a\nb"), "a\nb");
});

console.log(`ok ${count} steps`);
