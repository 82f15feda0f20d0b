"""What a page of events says about the run, beyond the events themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from bridge.clock import Clock
from bridge.core.errors import Failure, Retry
from bridge.core.event import Event
from bridge.sources.mogplex.api import EVENT_TYPE, RunPage
from bridge.sources.mogplex.rules.completion import TERMINAL_EVENTS
from bridge.sources.mogplex.rules.window import Hole
from bridge.sources.port import Gap
from bridge.wire import times

ACCEPTED = "run accepted"  # how the message of a run's first event ends (mogplex.md 1.7)
ORIGIN_S = 0.25  # a run's first event is written with its row; a later one is the second


def upstream_types(events: Iterable[Event]) -> list[str]:
    """Return the events' types in upstream's words, without the bridge's prefix."""
    return [event.type.removeprefix(EVENT_TYPE) for event in events]


def ends(page: RunPage) -> bool:
    """Whether the page's last event is one that ends a run."""
    return bool(page.events) and not TERMINAL_EVENTS.isdisjoint(upstream_types(page.events[-1:]))


def begins_at_origin(page: RunPage, *, is_later_segment: bool) -> bool:
    """Whether the page begins with the first event of its segment, as far as the page shows.

    Head windows begin with the run's first `started` event, written together with the row;
    a tail window that has slid does not (mogplex.md 1.8).
    """
    if not page.events:
        return True
    types = upstream_types(page.events)
    if is_later_segment:
        return types[0] in ("started", "status_changed")
    first_s, row_s = page.events[0].created_at_s, times.seconds(page.run.get("createdAt"))
    if first_s is not None and first_s == row_s:
        return True  # one transaction wrote both
    if types[0] != "started":
        return False
    message = page.events[0].data.get("message")
    if isinstance(message, str) and message.endswith(ACCEPTED):
        return True
    # The second event has the same type (mogplex.md 1.7): a page with both holds the first.
    is_near = first_s is not None and row_s is not None and first_s - row_s <= ORIGIN_S
    return is_near or types.count("started") > 1


def gaps_of(hole: Hole, page: RunPage, last_id: str | None) -> tuple[Gap, ...]:
    """Return the gap before or behind a page; `last_id` is the last taken event before it."""
    first = page.events[0].id if page.events else None
    last = page.events[-1].id if page.events else None
    match hole:
        case Hole.NONE:
            return ()
        case Hole.EXHAUSTED:
            return (Gap(hole, last, None, None),)
        case _:
            return (Gap(hole, last_id, first, None),)


def lacking(taken: int) -> Failure:
    """Return the failure for a page that lacks some of the `taken` events of its segment."""
    text = "the page lacks events that were there" if taken else "a run without any event"
    return Failure("runs.events", "INVALID_RESPONSE", text, Retry.TRANSIENT, 200)


def parts_of(
    page: RunPage, gaps: Sequence[Gap], last_id: str | None, is_news: Callable[[str], bool]
) -> list[tuple[Sequence[Gap], Sequence[Event]]]:
    """Split a page at its new unreadable events, so that each gap comes before the right event.

    Args:
        page: The page.
        gaps: The gaps before the page.
        last_id: The id of the last taken event before the page.
        is_news: Whether an unreadable event, by its key, was not reported yet.

    Returns:
        Pieces of the page in order, each with the gaps before it.
    """
    parts: list[tuple[Sequence[Gap], Sequence[Event]]] = []
    begin = 0
    for at, key in page.lost:
        if not is_news(key):
            continue
        parts.append((gaps, page.events[begin:at]))
        after = page.events[at - 1].id if at else last_id
        before = page.events[at].id if at < len(page.events) else None
        gaps, begin = (Gap(Hole.UNREADABLE, after, before, 1),), at
    return [*parts, (gaps, page.events[begin:])]


def instants(events: Sequence[Event], page: RunPage, clock: Clock) -> list[float] | int:
    """Return creation times on the monotonic clock, or the number of events without them."""
    now = clock.monotonic()
    created = [event.created_at_s for event in events if event.created_at_s is not None]
    if len(created) != len(events):
        return len(events)
    return [min(now, to_monotonic(created_s, page, clock)) for created_s in created]


def to_monotonic(upstream_s: float, page: RunPage, clock: Clock) -> float:
    """Convert an instant of upstream's clock, by the page that the follow has just read."""
    upstream_now_s = page.server_time_s + 0.5 if page.server_time_s else clock.wall()
    return clock.monotonic() - (upstream_now_s - upstream_s)
