"""Forwards requests that only upstream can answer: each once, with a redacted answer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bridge.clock import Clock
from bridge.core.errors import Failure, Retry
from bridge.outputs.gateway.port import Runs
from bridge.outputs.gateway.shared import Shared
from bridge.sources.port import Answer, Question
from bridge.wire.jsontext import JsonError, dumps, loads

ANSWERS_MAX = 512  # cached answers
ANSWER_BYTES_MAX = 2 * 2**20  # of one answer; redacting more would block other clients
KEPT_BYTES_MAX = 16 * 2**20  # of all cached answers
# These of upstream's headers belong to the API; the others come from its proxies.
_HEADERS = ("Retry-After", "x-vercel-id")


class Reply(NamedTuple):
    """An answer of upstream in the form that clients get."""

    status: int
    headers: Mapping[str, str]
    body: bytes  # redacted


class Upstream:
    """Sends requests; equal concurrent reads are merged, and good answers are cached."""

    def __init__(
        self, runs: Runs, clean: Callable[[Any], Any], clock: Clock, cache_s: float
    ) -> None:
        """Start with an empty cache.

        Args:
            runs: Sends requests through the limiter of an account.
            clean: Redacts the JSON of every answer.
            clock: The source of time.
            cache_s: Seconds for which a good answer is kept.
        """
        self._runs = runs
        self._clean = clean
        self._clock = clock
        self._cache_s = cache_s
        self._kept: OrderedDict[object, tuple[float, Reply]] = OrderedDict()
        self._kept_bytes = 0
        self._asked = Shared[Reply | Failure]()

    async def read(self, account: str, question: Question, *, is_kept: bool) -> Reply | Failure:
        """Send a GET. The cache is per account; the caller has checked the client's rights."""
        key = (account, question.path, tuple(sorted(question.query)))
        if is_kept and (kept := self._maybe_kept(key)) is not None:
            return kept

        async def ask() -> Reply | Failure:
            reply = await self.ask(account, question)
            if is_kept and isinstance(reply, Reply) and reply.status == 200:
                self._keep(key, reply)
            return reply

        return await self._asked.get(key, ask)

    async def ask(self, account: str, question: Question) -> Reply | Failure:
        """Send one request and redact the answer; a Failure if it is no answer of the API."""
        answer = await self._runs.ask(account, question)
        if isinstance(answer, Failure):
            return answer
        operation = f"gateway {question.method}"
        return _failure_of(operation, answer) or self._cleaned(operation, answer)

    def _cleaned(self, operation: str, answer: Answer) -> Reply | Failure:
        if len(answer.body) > ANSWER_BYTES_MAX:
            return _invalid(operation, answer.status, "the answer is too large to be redacted")
        try:
            body = dumps(self._clean(loads(answer.body)))
        except JsonError:
            if answer.status == 404:  # a page of the web framework: upstream has no such route
                text = "upstream has no such route"
                return Failure(operation, "HTTP_ERROR", text, Retry.FEATURE_ABSENT, 404)
            return _invalid(operation, answer.status, "the answer is not the API's JSON")
        found = {name: answer.headers.get(name) for name in _HEADERS}
        return Reply(answer.status, {k: v for k, v in found.items() if v}, body)

    def _maybe_kept(self, key: object) -> Reply | None:
        until_s, reply = self._kept.get(key, (0.0, None))
        return reply if reply is not None and self._clock.monotonic() < until_s else None

    def _keep(self, key: object, reply: Reply) -> None:
        if self._cache_s <= 0:
            return
        _, old = self._kept.pop(key, (0.0, None))
        self._kept_bytes += len(reply.body) - (len(old.body) if old is not None else 0)
        self._kept[key] = self._clock.monotonic() + self._cache_s, reply
        while len(self._kept) > ANSWERS_MAX or self._kept_bytes > KEPT_BYTES_MAX:
            _, (_, gone) = self._kept.popitem(last=False)
            self._kept_bytes -= len(gone.body)


def _failure_of(operation: str, answer: Answer) -> Failure | None:
    """A Failure for answers that concern the bridge and its connection, not the request."""
    if answer.status == 401:
        text = "the token is refused"
        return Failure(operation, "UNAUTHORIZED", text, Retry.AUTH_SUSPECT, 401)
    if 300 <= answer.status < 400:
        return Failure(operation, "LOGIN_REDIRECT", "a redirect", Retry.PERMANENT, answer.status)
    return None


def _invalid(operation: str, status: int, text: str) -> Failure:
    return Failure(operation, "INVALID_RESPONSE", text, Retry.TRANSIENT, status)
