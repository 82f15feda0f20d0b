// What a reader may change upstream, through the gateway: start a run, cancel one.

import { Refused, ask } from "/page/access.js";
import { isMogplex } from "/page/feeds.js";

const RUNS = "/api/v1/mogplex/runs";
const OVER = new Set(["success", "failed", "cancelled"]);

// A start without a key and a cancel of no run are refused before upstream is asked, and the refusal
// tells what this token may: {start, cancel}. A bridge without a gateway has neither.
export async function upstreamRights() {
  const start = await statusOf(RUNS);
  if (start !== 403) return { start: start === 400, cancel: start === 400 };
  return { start: false, cancel: (await statusOf(RUNS + "/none/cancel")) === 404 }; // limited to some runs
}

async function statusOf(path) {
  try {
    return (await ask(path, { method: "POST" })).status;
  } catch (error) {
    return error instanceof Refused ? error.status : 0;
  }
}

// Repositories that runs can be started in: [{id, full_name, default_branch}], at most 200.
export async function repositories(account, text = "") {
  const query = new URLSearchParams({ limit: "200", ...(text && { q: text }) });
  const answer = await ask(`/api/v1/mogplex/repos?${query}`, { headers: of(account) });
  return (await answer.json()).data.repos;
}

// The run that was started; the same one when the key was used before.
export async function startRun(account, key, body) {
  const headers = { ...of(account), "Idempotency-Key": key, "Content-Type": "application/json" };
  const answer = await ask(RUNS, { method: "POST", headers, body: JSON.stringify(body) });
  return (await answer.json()).data;
}

// Returns whether it was over before.
export async function cancelRun(account, run) {
  const answer = await ask(`${RUNS}/${encodeURIComponent(run)}/cancel`, { method: "POST", headers: of(account) });
  const { data } = await answer.json();
  return data.alreadyTerminal === true || data.status === "already_terminal";
}

export const isCancellable = (view) => Boolean(view) && isMogplex(view) && !OVER.has(view.status);

// `crypto.randomUUID` is only there with TLS, or on this machine.
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return "page-" + [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const of = (account) => (account ? { "X-Bridge-Account": account } : {});
