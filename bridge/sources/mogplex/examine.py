"""Examines one account from outside: four reads show what would prevent following.

It follows nothing and writes nothing. Each finding is a sentence for a person.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bridge.clock import Clock
from bridge.core.errors import Failure, Retry
from bridge.sources.http import TOTAL_S, TROUBLE, Reply, to_failure
from bridge.sources.mogplex.api import API, MogplexApi
from bridge.sources.mogplex.settings import WINDOW_REQUESTS
from bridge.sources.port import Finding, Level
from bridge.wire.http_dates import http_date

SKEW_S = 5.0  # the Date header counts whole seconds; smaller differences do no harm
# A run that does not exist: the reply shows whether the route exists (mogplex.md 1.8).
NO_RUN = "00000000-0000-4000-8000-000000000000"
AGAIN_S = (2.0, 4.0)  # between tries after a 401: a failed look-up gives one too (1.3)


async def examine(
    api: MogplexApi,
    clock: Clock,
    explain: Callable[[Failure], str],
    *,
    fill: bool = False,
) -> list[Finding]:
    """Examine the account's server and token.

    Args:
        api: The account's requests.
        clock: Gives the time for the comparison with upstream's clock.
        explain: Says in words what a refusal means.
        fill: Also use up the token's window, to see how much of it other programs use.

    Returns:
        The findings; the first one of level PROBLEM is the last.
    """
    http = api.http
    asked = clock.wall()
    reply = await http.get("repos", f"{API}/repos", {"limit": "1"})
    if isinstance(reply, Failure):
        return [Finding("server", Level.PROBLEM, explain(reply), reply)]
    findings = [_clock(reply, (asked + clock.wall()) / 2.0)]
    data = api.to_data("repos", reply)
    refused = await confirmed(api, data) if isinstance(data, Failure) else None
    if refused is not None:
        return [*findings, _refused(refused, explain)]
    where = f"{http.origin} answers as the Mogplex API does"
    findings.append(Finding("server", Level.OK, where))
    if isinstance(data, Failure):
        text = "the token was refused, then accepted: upstream's own look-up fails now and then"
        findings.append(Finding("token", Level.NOTE, text, data))
    else:
        findings.append(Finding("token", Level.OK, "the token is accepted"))
    findings.append(await _scope(api))
    findings.append(await _stream(api))
    if fill:
        findings.append(await _sharing(api, used=3))
    return findings


async def confirmed(api: MogplexApi, failure: Failure) -> Failure | None:
    """Try a refused token again; returns the failure that remains, or None."""
    again: Failure | None = failure
    for wait_s in AGAIN_S:
        if again is None or again.retry is not Retry.AUTH_SUSPECT:
            break
        await asyncio.sleep(wait_s)
        again = await api.probe()
    return again


def _clock(reply: Reply, local_s: float) -> Finding:
    upstream_s = http_date(reply.headers.get("Date"))
    if upstream_s is None:
        return Finding("clock", Level.NOTE, "the server sends no time")
    ahead_s = local_s - (upstream_s + 0.5)
    if abs(ahead_s) < SKEW_S:
        return Finding("clock", Level.OK, "the clock here and the server's agree")
    word = "ahead of" if ahead_s > 0 else "behind"
    return Finding(
        "clock",
        Level.NOTE,
        f"the clock here is {abs(ahead_s):.0f} s {word} the server's: lags are measured wrong,"
        " but no event is lost; set the clock with NTP",
    )


def _refused(failure: Failure, explain: Callable[[Failure], str]) -> Finding:
    if failure.code == "RATE_LIMITED":
        text = (
            "the token's window is full (60 requests in 60 s): another program uses it too, or a "
            "bridge is running; if it is shared, raise reserve and min_interval"
        )
        return Finding("sharing", Level.PROBLEM, text, failure)
    is_token = failure.retry is Retry.AUTH_SUSPECT or failure.code in (
        "LOGIN_REDIRECT",
        "FORBIDDEN",
    )
    return Finding("token" if is_token else "server", Level.PROBLEM, explain(failure), failure)


async def _scope(api: MogplexApi) -> Finding:
    """Check the scope: runs need none (mogplex.md 1.3), lists of automations need `read`."""
    reply = await api.http.get("automations", f"{API}/automations", {"limit": "1"})
    data = reply if isinstance(reply, Failure) else api.to_data("automations", reply)
    if not isinstance(data, Failure):
        return Finding("scope", Level.OK, "the token has the read scope")
    if data.code == "FORBIDDEN":
        text = "the token lacks the read scope: this server does not require it, others may"
        return Finding("scope", Level.NOTE, text, data)
    return Finding("scope", Level.NOTE, "the server does not show what scopes the token has")


async def _stream(api: MogplexApi) -> Finding:
    """Check the stream's route: a server with it answers 404 in JSON, one without it in HTML."""
    try:
        headers = {"Accept": "text/event-stream"}
        path = f"{API}/runs/{NO_RUN}/events/stream"
        async with asyncio.timeout(TOTAL_S), api.http.stream(path, {}, headers) as stream:
            reply = Reply(stream.status, stream.headers, await stream.whole())
    except TROUBLE as error:
        failure = to_failure("runs.stream", error)
        return Finding("stream", Level.NOTE, f"the stream was not tried: {failure.message}")
    data = api.to_data("runs.stream", reply)
    if not isinstance(data, Failure) or data.code == "INVALID_RESPONSE":
        return Finding(
            "stream",
            Level.NOTE,
            "the server answers a request for an unknown run in an unexpected way",
        )
    if data.code == "NOT_FOUND":
        return Finding("stream", Level.OK, "runs can be followed by stream")
    if data.retry is Retry.FEATURE_ABSENT:
        text = (
            "this server has no stream: the bridge polls runs; of runs with more than 200 events"
            " it may report some as missing"
        )
        return Finding("stream", Level.NOTE, text)
    return Finding(
        "stream",
        Level.NOTE,
        f"the stream does not work now (HTTP {data.http_status}): runs are polled meanwhile",
        data,
    )


async def _sharing(api: MogplexApi, used: int) -> Finding:
    """Use up the window; requests missing at the refusal were used by other programs."""
    for asked in range(used, WINDOW_REQUESTS + 1):
        failure = await api.probe()
        if failure is None:
            continue
        if failure.code != "RATE_LIMITED":
            return Finding("sharing", Level.NOTE, "the limit was not reached", failure)
        others = WINDOW_REQUESTS - asked
        if others == 0:
            return Finding("sharing", Level.OK, "the limit is 60 in 60 s, and nobody else uses it")
        text = f"others have sent {others} of the 60 requests of the last minute with this token"
        return Finding("sharing", Level.NOTE, f"{text}: set reserve to {others + 3} or more")
    text = "more than 60 requests in a minute passed: the limit is off, or several servers answer"
    return Finding("sharing", Level.NOTE, text)
