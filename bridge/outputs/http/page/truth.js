// Whether what the page shows is true now, in one sentence, and since when it is not. Pure.

// `link`: {state, since} of the page's own connection; `checks`: of /healthz or null; `views`: of
// the feeds. Returns {tone, pill, text, id} or null. The worst that explains most comes first.
export function troubleOf({ link, checks, views }) {
  if (link.state === "lost" || link.state === "refused") {
    return { id: "link", tone: "bad", pill: "Bridge unreachable", text: "The bridge does not answer. You see older data; the page retries automatically." };
  }
  const found = checks ? accounts(checks) : null;
  if (found) return found;
  const other = checks && Object.entries(checks).find(([name, check]) => !check.ok && !name.startsWith("account "));
  if (other) return { id: other[0], tone: "warn", pill: "Problem", text: `${other[0]}: ${other[1].detail ?? "fails"}.` };
  return byRuns(views);
}

function accounts(checks) {
  const all = Object.entries(checks).filter(([name]) => name.startsWith("account "));
  const bad = all.filter(([, check]) => !check.ok);
  if (!bad.length) return null;
  const [name, check] = bad[0];
  const account = name.slice("account ".length);
  const more = bad.length > 1 ? ` (and ${bad.length - 1} more accounts)` : "";
  const detail = check.detail ?? "fails";
  const isToken = /token|refused|unauthori[sz]ed|suspend/i.test(detail) && !/429|rate/i.test(detail);
  const isLimited = /429|rate|limit|block/i.test(detail);
  const pill = isToken ? "Token refused" : isLimited ? "Rate limited" : "Upstream down";
  return { id: name, tone: "bad", pill, text: `Account ${account}: ${detail}${more}. No new events arrive until this is fixed.` };
}

// A reader without the right to see the checks can still tell by the runs.
function byRuns(views) {
  const following = views.filter((view) => view.state === "following");
  const failing = following.filter((view) => view.lastFailure);
  if (!following.length || failing.length < following.length) return null;
  const { code, message, httpStatus } = failing[0].lastFailure;
  const pill = httpStatus === 429 ? "Rate limited" : httpStatus === 401 ? "Token refused" : "Upstream down";
  return { id: "runs " + code, tone: "bad", pill, text: `Upstream fails for all followed runs: ${[code, message].filter(Boolean).join(": ")}. No new events arrive until this is fixed.` };
}
