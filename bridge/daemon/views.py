"""The public view of the followed feeds: JSON-ready and redacted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bridge.clock import Clock
from bridge.core.errors import Failure
from bridge.core.state import FeedState
from bridge.daemon.followed import Followed
from bridge.sources.port import Requests, Source
from bridge.wire import times


class Views:
    """Renders many feeds at one moment; make one for each request."""

    def __init__(
        self, clock: Clock, followed: Iterable[Followed], sources: Mapping[str, Source]
    ) -> None:
        self._now = clock.monotonic()
        self._wall = clock.wall()
        self._intervals = intervals(
            followed, {name: source.standing().requests for name, source in sources.items()}
        )

    def of(self, entry: Followed) -> dict[str, Any]:
        """See `outputs.http.port.Feeds`."""
        feed, state, progress = entry.feed.feed, entry.feed.state, entry.progress
        is_live = entry.is_followed and progress.followed_by not in (None, "poll")
        return {
            "kind": feed.kind,
            "id": feed.id,
            "account": feed.account,
            "system": feed.system,
            "status": state.status,
            "state": state.state.value,
            "following": entry.word,
            "events": state.events,
            "gaps": state.gaps,
            "lagSeconds": self._lag_s(entry, is_live=is_live),
            "followedBy": progress.followed_by if entry.is_followed else None,
            "lastFailure": _failure_view(state, progress.failure),
            "nextRequestInSeconds": self._next_s(entry, is_live=is_live),
            "addedAt": times.rfc3339(entry.wish.added_at_s),
            "lastEventAt": _maybe_time(state.last_event_at_s),
            **self._told(entry),
        }

    def _told(self, entry: Followed) -> dict[str, Any]:
        """The facts that the feed's kind adds; an unfinished interval lasts until now."""
        told = dict(entry.feed.told)
        started_s = times.seconds(told.get("startedAt"))
        if started_s is not None and "endedAt" not in told:
            told["durationSeconds"] = round(max(0.0, self._wall - started_s), 3)
        return told

    def _lag_s(self, entry: Followed, *, is_live: bool) -> float | None:
        if is_live:
            return 0.0
        read_at = entry.progress.read_at
        if not entry.is_followed or read_at is None:
            return None
        return round(max(0.0, self._now - read_at), 3) or None

    def _next_s(self, entry: Followed, *, is_live: bool) -> float | None:
        if not entry.is_followed or is_live:
            return None
        progress = entry.progress
        since = progress.read_at or entry.added_at or self._now
        due = since + self._intervals.get(entry.feed.feed.account, 1.0)
        return round(max(0.0, max(due, progress.retry_at or 0.0) - self._now), 3)


def intervals(
    followed: Iterable[Followed], requests: Mapping[str, Requests | None]
) -> dict[str, float]:
    """Mean seconds between two polls of one feed, by account."""
    polled: dict[str, int] = {}
    for entry in followed:
        if entry.is_followed and entry.progress.followed_by in (None, "poll"):
            account = entry.feed.feed.account
            polled[account] = polled.get(account, 0) + 1
    found = {}
    for account, count in polled.items():
        limit = requests.get(account)
        each_s = limit.window_s / limit.budget if limit is not None and limit.budget else 1.0
        found[account] = max(1.0, count * each_s)
    return found


def _failure_view(state: FeedState, failure: Failure | None) -> Mapping[str, Any] | None:
    if failure is None:
        return None if state.failed is None else {"code": state.failed}
    return {
        "code": failure.code,
        "message": failure.message,
        "operation": failure.operation,
        "httpStatus": failure.http_status,
        "retry": failure.retry.value,
        "requestId": failure.request_id,
    }


def _maybe_time(epoch_s: float | None) -> str | None:
    return None if epoch_s is None else times.rfc3339(epoch_s)
