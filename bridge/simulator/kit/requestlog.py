"""The log of requests to the simulator, and how close each token came to its limit."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

REQUESTS_MAX = 200_000  # newest requests kept; a day at the limit of one token is 86,400
TOKENS_MAX = 10_000  # tokens with counters; the oldest is forgotten first
PEAK_WINDOW_S = 60.0  # peaks are per minute, whatever the limiter's window is


@dataclass(slots=True)
class RequestRecord:
    """One request.

    `outcome`: accepted (counted by the limiter), refused (429), unauthorized, or unmetered (never
    reached the limiter).
    """

    number: int
    at_s: float  # simulated seconds since the epoch, on arrival
    method: str
    path: str
    query: str
    token: str | None = None  # the token's hash
    endpoint: str = ""
    feed_id: str | None = None
    last_event_id: str | None = None
    status: int | None = None  # None: no reply was sent (yet)
    outcome: str = "unmetered"
    fault: str | None = None
    cursor: str | None = None  # where a page was asked to begin, if the profile says so

    def as_json(self, feed_key: str) -> dict[str, Any]:
        """`feed_key`: what the profile calls the id of a feed."""
        return {
            feed_key if name == "feed_id" else name: getattr(self, name)
            for name in RequestRecord.__slots__
        }


@dataclass(slots=True)
class TokenCount:
    """Totals of one token."""

    accepted: int = 0
    refused: int = 0
    unauthorized: int = 0
    peak: int = 0  # most accepted requests in any rolling 60 s so far
    recent: deque[float] = field(default_factory=deque)


class RequestLog:
    """Bounded log and unbounded-in-time counters."""

    def __init__(self) -> None:
        self.records: deque[RequestRecord] = deque(maxlen=REQUESTS_MAX)
        self.tokens: dict[str, TokenCount] = {}
        self._count = 0

    def open(
        self, at_s: float, method: str, path: str, query: str, *, last_event_id: str | None
    ) -> RequestRecord:
        """Log a request as it arrives; its answer is filled in later.

        Args:
            at_s: The simulated time.
            method: The HTTP method.
            path: The path as it was sent.
            query: The query without secrets.
            last_event_id: The header of that name; None without one.
        """
        self._count += 1
        record = RequestRecord(self._count, at_s, method, path, query, last_event_id=last_event_id)
        self.records.append(record)
        return record

    def settle(self, record: RequestRecord, outcome: str, now_s: float) -> None:
        """Note what the limiter or the authentication did with a request whose token is known."""
        record.outcome = outcome
        if record.token is None:
            return
        count = self.of(record.token)
        if outcome == "accepted":
            count.accepted += 1
            recent = count.recent
            while recent and now_s - recent[0] >= PEAK_WINDOW_S:
                recent.popleft()
            recent.append(now_s)
            count.peak = max(count.peak, len(recent))
        elif outcome == "refused":
            count.refused += 1
        elif outcome == "unauthorized":
            count.unauthorized += 1

    def of(self, token: str) -> TokenCount:
        """Return the counters of a token, given by its hash; the oldest are forgotten."""
        count = self.tokens.get(token)
        if count is None:
            if len(self.tokens) >= TOKENS_MAX:
                self.tokens.pop(next(iter(self.tokens)))
            count = self.tokens[token] = TokenCount()
        return count

    def clear(self) -> None:
        """Forget all requests and counters; the numbers of requests go on."""
        self.records.clear()
        self.tokens.clear()
