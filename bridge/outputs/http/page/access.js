// Who asks. Without [auth] nothing of this is used. With it, the token of this tab goes into a header,
// and streams, which cannot send headers, get a one-use ticket each time they connect.

import { at } from "/page/dom.js";

const TOKEN = "mogplex-bridge.token"; // in sessionStorage: this tab only, gone with it
const ASK_MS_MAX = 15000; // a reply takes milliseconds; after this the network is gone

let token = null; // where storage is forbidden the token lives as long as the page
try {
  token = sessionStorage.getItem(TOKEN);
} catch {
  // as above
}

let whenClosed = () => {};
let skewMs = 0; // this clock is so much ahead of the server's

export const serverNow = () => Date.now() - skewMs;

export const hasToken = () => token !== null;

function keep(value) {
  token = value;
  try {
    if (value === null) sessionStorage.removeItem(TOKEN);
    else sessionStorage.setItem(TOKEN, value);
  } catch {
    // kept in memory
  }
}

export class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

// The response, or Refused with the server's own words (RFC 9457, or the vendor's envelope).
// `also`: a status that is an answer too.
export async function ask(path, { also, ...options } = {}) {
  const used = token;
  const headers = { ...options.headers, ...(used !== null && { Authorization: "Bearer " + used }) };
  const signal = AbortSignal.timeout(ASK_MS_MAX);
  const response = await fetch(path, { ...options, headers, signal, cache: "no-store", redirect: "error" });
  const date = Date.parse(response.headers.get("Date"));
  if (Number.isFinite(date)) skewMs = Date.now() - date;
  if (response.ok || response.status === also) return response;
  const problem = await response.json().catch(() => ({}));
  // A late answer to what was asked before somebody signed in says nothing of the token given since.
  if (response.status === 401 && token === used) {
    const note = used === null ? "" : "This token is not accepted. Get a new one from whoever runs this bridge.";
    keep(null);
    showEntrance(note);
  }
  throw new Refused(response.status, problem.detail || problem.title || problem.error?.message || `HTTP ${response.status}`);
}

const NOBODY = "00000000-0000-0000-0000-000000000000";

// Whether this token may follow runs and stop them: stopping what nobody follows changes nothing and
// is refused to those who may not.
export async function mayFollow() {
  if (token === null) return true;
  try {
    await ask("/v1/runs/" + NOBODY, { method: "DELETE" });
    return true;
  } catch (error) {
    return !(error instanceof Refused && error.status === 403);
  }
}

export async function ticket() {
  const response = await ask("/v1/tickets", { method: "POST" });
  return (await response.json()).ticket;
}

function showEntrance(note) {
  at("sign-out").hidden = true;
  at("entrance-note").textContent = note;
  if (!at("entrance").hidden) return;
  at("entrance").hidden = false;
  document.body.classList.add("closed");
  at("token").focus();
  whenClosed();
}

export const isClosed = () => !at("entrance").hidden;

// `begin` is called each time somebody signs in, `end` when they sign out, `rest` when a token is needed.
export function startAccess(begin, end, rest) {
  whenClosed = rest;
  at("sign-out").hidden = token === null;
  at("sign-in").addEventListener("submit", async (event) => {
    event.preventDefault();
    const value = at("token").value.trim();
    at("token").value = "";
    keep(value);
    try {
      await ask("/v1/runs");
    } catch (error) {
      if (error instanceof Refused && error.status === 401) return;
    }
    at("entrance").hidden = true;
    at("sign-out").hidden = token === null;
    document.body.classList.remove("closed");
    begin();
  });
  at("sign-out").addEventListener("click", () => {
    keep(null);
    end();
    showEntrance("");
  });
}
