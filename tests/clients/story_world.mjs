// What the tests of the story have in common: runs made of records, one word each.

import { control } from "./browser.mjs";

export class World {
  constructor(sim, url) {
    Object.assign(this, { sim, url, calls: 0 });
  }

  // A run that the bridge follows.
  async run(more = {}) {
    const made = await control(this.sim, "/runs", { count: 1, events: 0, ...more });
    const [{ runId }] = made.runs;
    await control(this.sim, `/runs/${runId}`, { status: "streaming" }, "PATCH");
    const reply = await fetch(`${this.url}/v1/runs/${runId}`, { method: "PUT" });
    if (!reply.ok) throw new Error(`PUT ${reply.status}`);
    return runId;
  }

  add = (run, ...events) => control(this.sim, `/runs/${run}/events`, { events });

  prompt = (text) => ({ type: "started", message: "Harness run started: codex", payload: { prompt: text } });
  say = (text) => ({ type: "log", message: text, payload: { kind: "assistant_delta" } });
  final = (text) => ({ type: "log", message: text, payload: { kind: "assistant_final" } });
  begin = (call, command, name = "shell") => ({ type: "tool_started", toolName: name, message: command, payload: { kind: "tool", toolCallId: call, state: "running", input: { command } } });
  end = (call, state, more = {}, name = "shell") => ({ type: "tool_finished", toolName: name, message: more.message ?? "", payload: { kind: "tool", toolCallId: call, state, durationMs: 6000, ...more } });

  tool(command, state, more = {}, name = "shell") {
    const call = `call_${++this.calls}`;
    return [this.begin(call, command, name), this.end(call, state, more, name)];
  }

  finish = (run, status, error) => control(this.sim, `/runs/${run}/finish`, { status, error });
}
