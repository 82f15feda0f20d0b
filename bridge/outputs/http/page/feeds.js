// Feeds of any system under one key each: of a run its id, of others KIND:ID, and @ACCOUNT where two
// accounts have the same. Keys stand in the address and on cards. Pure.

const KEY = /^([a-z][a-z_-]*):([^@]*)(?:@(.*))?$/s;

// {kind, id, account} -> key
export function keyOf({ kind, id, account }, isShared = false) {
  if (kind === "run" && !isShared) return id;
  return `${kind}:${encoded(id)}${isShared ? "@" + encoded(account) : ""}`;
}

// A key, or what somebody typed -> {kind, id, account}; account "" is any.
export function placeOf(key) {
  const match = KEY.exec(key);
  return match ? { kind: match[1], id: decoded(match[2]), account: decoded(match[3] ?? "") } : { kind: "run", id: key, account: "" };
}

// Where its records are read; `more` are further parameters.
export function pathOf(key, more = {}, tail = "") {
  const { kind, id, account } = placeOf(key);
  const query = new URLSearchParams({ ...(account && { account }), ...more });
  return `/v1/feeds/${encoded(kind)}/${encoded(id)}${tail}${query.size ? "?" + query : ""}`;
}

// The filters of a stream that brings its records and no others.
export function filtersOf(key) {
  const { kind, id, account } = placeOf(key);
  return [["run", id], ["kind", kind], ...(account ? [["account", account]] : [])];
}

// What /v1/feeds gives -> what the page shows: `state` is how it is followed, `phase` how it stands.
export function viewsOf(feeds) {
  const seen = new Map();
  for (const feed of feeds) seen.set(nameOf(feed), (seen.get(nameOf(feed)) ?? 0) + 1);
  return feeds.map((feed) => ({
    ...feed,
    key: keyOf(feed, seen.get(nameOf(feed)) > 1),
    ...(feed.kind === "run" && { runId: feed.id }),
    state: feed.following,
    phase: feed.state,
  }));
}

// The feed of a record, by its source: /SYSTEM/ACCOUNT/KINDs/ID, of a tenant /SYSTEM/ACCOUNT/tenant.
export function feedOf(record) {
  const [, , account = "", kinds = "runs"] = String(record.source ?? "").split("/");
  return { kind: kinds.replace(/s$/, ""), id: String(record.subject ?? ""), account: decoded(account) };
}

// Runs of Mogplex have words of their own everywhere on the page.
export const isMogplex = (view) => (view.system ?? "mogplex") === "mogplex";

const nameOf = (feed) => `${feed.kind} ${feed.id}`;

// Half a character, which JSON may bring, has no percent-encoding.
const encoded = (text) => encodeURIComponent(text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd"));

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
