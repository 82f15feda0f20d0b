"""The upstream's own API as a group of routes.

The journal answers reads of runs that are followed or have ended. Other known requests are
forwarded through the account's limiter, and unknown ones are refused without a request upstream.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import hdrs, web

from bridge.clock import Clock
from bridge.core.errors import Failure, Fault
from bridge.journal.port import Journal
from bridge.metrics import Metrics
from bridge.outputs.compression import SMALLEST_BYTES, maybe_coding
from bridge.outputs.gateway.choice import ACCOUNT_HEADER, AccountChoice
from bridge.outputs.gateway.frames import VendorFrames, headers_of, stream_head, stream_headers
from bridge.outputs.gateway.history import History
from bridge.outputs.gateway.pages import EventPages, Page, aside
from bridge.outputs.gateway.port import Dialect, GatewaySettings, Refusal, Runs, Seen
from bridge.outputs.gateway.starts import KeyTakenError, Starts, outcome
from bridge.outputs.gateway.targets import Targets, check_path
from bridge.outputs.gateway.upstream import Reply, Upstream
from bridge.outputs.http.access import Identity, Need
from bridge.outputs.http.groups import Policy, Route
from bridge.outputs.http.port import TooManyFeedsError
from bridge.outputs.http.problems import ProblemError
from bridge.outputs.http.streaming import Beginning, Streams
from bridge.outputs.http.turns import Reading, Turns
from bridge.redact import Redactor
from bridge.sources.port import Question

LIST_DEFAULT, LIST_MAX = 50, 200
START_BYTES_MAX = 2**20  # a prompt has up to 100,000 characters, each up to 12 bytes as JSON
_JSON = "application/json"
_STARTING = "the bridge is starting to follow this run; try again"
_KEY_SAFE = re.compile(r"[ -~]*", re.ASCII)  # characters of a header line


@dataclass(frozen=True, slots=True)
class Means:
    """What the gateway uses."""

    journal: Journal
    runs: Runs
    streams: Streams
    turns: Turns
    redactor: Redactor
    metrics: Metrics
    clock: Clock


class GatewayRoutes:
    """The handlers. `run` must be running to recover starts whose answer was lost."""

    name = "gateway"

    def __init__(self, dialect: Dialect, means: Means, settings: GatewaySettings) -> None:
        self.settings = settings
        self._dialect = dialect
        self._runs = means.runs
        self._choice = AccountChoice(means.runs)
        self._streams = means.streams
        self._turns = means.turns
        self._clock = means.clock
        self._policy = Policy()
        reads = means.metrics.gateway_reads_total
        self._from_journal, self._from_upstream = reads.labels("journal"), reads.labels("upstream")
        self._started = means.metrics.gateway_run_starts_total
        self._targets = Targets(dialect)
        self._history = History(means.journal, dialect)
        self._pages = EventPages(dialect, self._history)
        self._upstream = Upstream(
            means.runs,
            lambda answer: dialect.own_links(means.redactor.value(answer)),
            means.clock,
            settings.cache_s,
        )
        self._starts = Starts(means.journal, means.runs, self._upstream, dialect, means.clock)
        self._frames = {
            is_chunked: VendorFrames(dialect, is_chunked=is_chunked) for is_chunked in (True, False)
        }

    def routes(self) -> Sequence[Route]:
        """See `RouteGroup.routes`."""
        runs = f"{self._dialect.api}/runs"
        return (
            Route("GET", runs, Need.READ, self.list_runs),
            Route("POST", runs, Need.WRITE, self.start, START_BYTES_MAX),
            Route("GET", f"{runs}/{{run_id}}", Need.READ, self.one_run),
            Route("GET", f"{runs}/{{run_id}}/events", Need.READ, self.events),
            Route("GET", f"{runs}/{{run_id}}/events/stream", Need.READ, self.stream),
            Route("POST", f"{runs}/{{run_id}}/cancel", Need.WRITE, self.cancel),
            Route("*", self._dialect.prefix + "{tail:.*}", Need.READ, self.other),
        )

    @property
    def prefix(self) -> str:
        """See `OwnErrors.prefix`."""
        return self._dialect.prefix

    def description(self) -> bytes:
        """See `Described.description`."""
        return self._dialect.description()

    def adopt(self, policy: Policy) -> None:
        """Apply this policy from the next request on."""
        self._policy = policy

    def refuse(self, problem: ProblemError) -> web.Response:
        """The server's own refusal in the vendor's envelope."""
        refusal = self._dialect.of_status(problem.status, problem.detail)
        headers = dict(problem.headers)
        return self._refused(refusal, headers)

    async def run(self) -> None:
        """Recover starts whose answer was lost, until cancelled."""
        await self._starts.run()

    # Runs

    async def list_runs(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """List the bridge's runs, newest first: upstream has no list."""
        check_path(request)
        query = request.query
        limit = min(self._dialect.limit(query.get("limit") or str(LIST_DEFAULT)), LIST_MAX)
        account = self._choice.maybe_named(request, identity)
        wished, cursor = query.getall("status", []), query.get("cursor")
        found: list[Seen] = []
        is_behind = not cursor
        for seen in self._runs.all():
            if not identity.may_see(seen.account, seen.id):
                continue  # not even as a cursor: that would reveal the run
            if not is_behind:
                is_behind = f"{seen.account}:{seen.id}" == cursor
                continue
            if not seen.row:
                continue
            if account is not None and seen.account != account:
                continue
            if wished and self._dialect.status_of(seen.row) not in wished:
                continue
            found.append(seen)
            if len(found) > limit:
                break
        if not is_behind:
            raise ProblemError("bad_request", "this cursor is unknown; start without one")
        rows = b",".join(self._pages.run_of(seen) for seen in found[:limit])
        more = found[limit - 1] if len(found) > limit else None
        following = f'"{more.account}:{more.id}"'.encode() if more is not None else b"null"
        self._from_journal.inc()
        return self._answered(
            self._dialect.success(b'{"runs":[%b],"nextCursor":%b}' % (rows, following))
        )

    async def one_run(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Return a run's object: from the journal, else from upstream, which follows it."""
        id_ = self._targets.of(request).id
        seen = self._look(request, identity, id_)
        if seen is None:
            return await self._ask_and_follow(request, identity, id_)
        self._from_journal.inc()
        body = self._dialect.success(
            b'{"run":%b}' % self._pages.run_of(seen), aside(seen, is_cut=False)
        )
        return self._answered(body, headers_of(seen, is_cut=False))

    async def events(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Return the newest events of a run, or those after the event `after`."""
        id_, limit, after = self._targets.of(request)
        seen = self._look(request, identity, id_)
        if seen is None and after is None:
            return await self._ask_and_follow(request, identity, id_)
        if seen is None:  # upstream would ignore the cursor and start over
            asked = await self._asked(request, identity, id_)
            if isinstance(asked, web.Response):
                return asked
            return self.refuse(ProblemError("not_ready", _STARTING, headers={"Retry-After": "1"}))
        self._from_journal.inc()
        if after is None and (page := self._pages.maybe_kept(seen, limit)) is not None:
            return await self._shown(request, page)
        async with self._reading(request, identity) as reading:
            if after is None:
                page = await self._pages.newest(seen, limit, reading)
            else:
                found = await self._pages.after(seen, after, limit, reading)
                if found is None:
                    raise ProblemError(
                        "bad_request",
                        "after is not the id of an event of this run in the bridge's journal",
                    )
                page = found
        return await self._shown(request, page)

    async def stream(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Stream a run's events until its end, as SSE; an unknown run is followed first."""
        id_ = self._targets.of(request).id
        seen = self._look(request, identity, id_)
        if seen is None:
            asked = await self._asked(request, identity, id_)
            if isinstance(asked, web.Response):
                return asked
            seen = self._look(request, identity, id_, must_have_row=False)
            if seen is None or request.headers.get("Last-Event-ID", "").strip():
                # Upstream may know that event; a 400 would make the client drop its position.
                raise ProblemError("not_ready", _STARTING, headers={"Retry-After": "1"})
            seen = seen if seen.row else seen._replace(row=asked)
        self._from_journal.inc()
        if request.method == hdrs.METH_HEAD:
            return web.Response(headers=stream_headers(seen))
        return await self._stream(request, identity, seen)

    async def _stream(
        self, request: web.Request, identity: Identity, seen: Seen
    ) -> web.StreamResponse:
        history, frames = self._history, self._frames[request.version >= (1, 1)]
        cursor = request.headers.get("Last-Event-ID", "").strip()
        first = self._dialect.run_frame(self._pages.run_of(seen))
        async with self._reading(request, identity) as reading:
            after = await self._start_of(request, seen, cursor, reading)
            end = await history.end_of(seen.account, seen.id, reading) if seen.is_ended else None
            if seen.is_ended and (end is None or end <= after):
                # No record can follow: retention has dropped even the run's end.
                left = await history.after(seen.account, seen.id, after, LIST_MAX, reading)
                body = first + b"".join(map(self._dialect.event_frame, left))
                return web.Response(body=body, headers=stream_headers(seen))
        origins = self._policy.origins
        headers = {**stream_headers(seen), **origins.headers(request), "Vary": origins.vary}
        head = stream_head(frames, self._clock.wall(), headers)

        async def begin() -> Beginning:
            return Beginning(after, frames.wrap(first))

        only = history.filter(seen.account, seen.id, with_end=True)
        return await self._streams.open(request, identity, only, frames, head, begin)

    async def _start_of(
        self, request: web.Request, seen: Seen, cursor: str, reading: Reading
    ) -> int:
        """The position after the client's last event, else before the newest `limit` events."""
        if cursor:
            place = await self._history.place_of(seen.account, seen.id, cursor, reading)
            if place is None:
                raise ProblemError("bad_request", "Last-Event-ID does not belong to this run")
            return place
        limit = self._dialect.limit(request.query.get("limit"))
        newest = await self._history.newest(seen.account, seen.id, limit, reading)
        return newest[0].seq - 1 if newest else 0

    async def cancel(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Forward a cancel; the next poll of the run is due at once."""
        id_ = self._targets.of(request).id
        account = self._choice.of_run(request, identity, id_)
        reply = await self._upstream.ask(account, Question("POST", request.path))
        if not isinstance(reply, Failure) or reply.fault is not Fault.RATE:  # else not sent
            self._runs.look_soon(account, id_)
        return self._passed_on(reply)

    async def start(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Start a run upstream, once for each Idempotency-Key."""
        check_path(request)
        if identity.runs:
            raise ProblemError("forbidden", "a token that is limited to runs cannot start one")
        account = self._choice.of(request, identity)
        keys = request.headers.getall("Idempotency-Key", [])
        key = keys[0].strip() if len(keys) == 1 else ""
        body = await request.read()
        wrong = self._dialect.wrong_start(key, body)
        if wrong is None and not _KEY_SAFE.fullmatch(key):
            wrong = "Idempotency-Key holds characters that a header cannot have"
        if wrong is not None:
            if key or body:  # an empty POST starts nothing: the page tests its rights with it
                self._started.labels("refused").inc()
            raise ProblemError("bad_request", wrong)
        try:
            reply = await self._starts.start(identity.name, account, key, body)
        except KeyTakenError as error:
            self._started.labels("refused").inc()
            return self._refused(self._dialect.conflict(str(error)), {})
        except TooManyFeedsError as error:
            raise ProblemError("too_many_runs", str(error)) from None
        self._started.labels(outcome(reply)).inc()
        return self._passed_on(reply)

    # Forwarding

    async def other(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Forward a read that only upstream can answer; refuse all others."""
        check_path(request)
        path = request.path
        forward = next((f for f in self._dialect.forwards if f.path.fullmatch(path)), None)
        if forward is None or request.method not in (hdrs.METH_GET, hdrs.METH_HEAD):
            if forward is not None or self._is_route(path):
                return web.Response(status=405, headers={hdrs.ALLOW: hdrs.METH_GET})
            raise ProblemError("not_found", "no such route; see docs/gateway.md")
        if identity.runs:
            raise ProblemError("forbidden", "a token that is limited to runs can read only those")
        account = self._choice.of(request, identity)
        query = tuple((k, v) for k, v in request.query.items() if k in forward.query)
        question = Question("GET", path, query=query)
        reply = await self._upstream.read(account, question, is_kept=True)
        self._from_upstream.inc()
        return self._passed_on(reply)

    async def _ask_and_follow(
        self, request: web.Request, identity: Identity, id_: str
    ) -> web.StreamResponse:
        """Read a run that is not followed, once for all clients, then follow it."""
        account = self._choice.of(request, identity, id_)
        query = tuple((k, v) for k, v in request.query.items() if k == "limit")
        question = Question("GET", request.path, query=query)
        reply = await self._upstream.read(account, question, is_kept=True)
        self._from_upstream.inc()
        if isinstance(reply, Reply) and reply.status == 200:
            await self._follow(account, id_)
        return self._passed_on(reply)

    async def _asked(
        self, request: web.Request, identity: Identity, id_: str
    ) -> web.Response | bytes:
        """Follow an unknown run; return its row, or a refusal if there is no such run."""
        account = self._choice.of(request, identity, id_)
        question = Question("GET", f"{self._dialect.api}/runs/{id_}")
        reply = await self._upstream.read(account, question, is_kept=True)
        self._from_upstream.inc()
        if isinstance(reply, Failure) or reply.status != 200:
            return self._passed_on(reply)
        if not self.settings.follow:
            raise ProblemError("not_found", "the run is not followed, and gateway.follow is off")
        await self._follow(account, id_)
        return self._dialect.row_in(reply.body)

    async def _follow(self, account: str, id_: str) -> None:
        if not self.settings.follow or any(s.account == account for s in self._runs.seen(id_)):
            return  # an operator's stop is final
        try:
            await self._runs.follow(account, id_)
        except TooManyFeedsError:
            return  # this request was answered; the next one tries again

    def _is_route(self, path: str) -> bool:
        runs = f"{self._dialect.api}/runs"
        rest = path.removeprefix(runs)
        return path.startswith(runs) and (
            rest == "" or re.fullmatch(r"/[^/]+(/events(/stream)?|/cancel)?", rest) is not None
        )

    def _look(
        self, request: web.Request, identity: Identity, id_: str, *, must_have_row: bool = True
    ) -> Seen | None:
        """The run if the journal can answer for it; None if upstream must."""
        wished = request.headers.get(ACCOUNT_HEADER)
        for seen in self._runs.seen(id_):
            if not identity.may_see(seen.account, id_) or wished not in (None, seen.account):
                continue
            is_fresh = seen.is_followed or seen.is_ended
            if is_fresh and (seen.row or not must_have_row):
                return seen
        return None

    def _reading(self, request: web.Request, identity: Identity) -> Reading:
        address = self._policy.proxies.client_address(request)
        return self._turns.reading(f"{address} {identity.name}")

    async def _shown(self, request: web.Request, page: Page) -> web.Response:
        """A page in the client's preferred coding."""
        is_large = self._policy.may_compress and len(page.body) >= SMALLEST_BYTES
        coding = maybe_coding(request) if is_large else None
        if coding is None:
            return self._answered(page.body, page.headers)
        body = await self._pages.packed(page, coding)
        return self._answered(body, {**page.headers, hdrs.CONTENT_ENCODING: coding})

    def _answered(self, body: bytes, headers: Mapping[str, str] | None = None) -> web.Response:
        return web.Response(body=body, content_type=_JSON, headers=headers)

    def _passed_on(self, reply: Reply | Failure) -> web.Response:
        if isinstance(reply, Failure):
            return self._refused(self._dialect.of_failure(reply), {})
        return web.Response(
            status=reply.status, body=reply.body, content_type=_JSON, headers=reply.headers
        )

    def _refused(self, refusal: Refusal, headers: Mapping[str, str]) -> web.Response:
        wait_s = refusal.retry_after_s
        more = {"Retry-After": str(wait_s)} if wait_s is not None else {}
        return web.Response(
            status=refusal.status,
            body=self._dialect.refusal(refusal),
            content_type=_JSON,
            headers={**headers, **more},
        )
