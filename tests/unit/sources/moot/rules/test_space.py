"""What the two tasks of a follow do next; the cases that no server of the simulator plays."""

from __future__ import annotations

import pytest

from bridge.sources.moot.rules.catch_up import Page
from bridge.sources.moot.rules.marker import Marker
from bridge.sources.moot.rules.space import SILENCE_S, SpaceRules
from bridge.sources.moot.rules.steps import Look, Reading
from bridge.sources.moot.rules.ways import Way
from bridge.sources.moot.words import Cause


def open_stream(count: int | None) -> SpaceRules:
    """A caught-up stream of a space without events."""
    rules = SpaceRules(Marker(), lambda _: False)
    rules.looked(0.0, Reading("active", count))
    rules.connected(0.0)
    rules.paged(rules.job, 0.0, 0.0, (), 0)
    return rules


@pytest.mark.parametrize(("count", "is_looked_at"), [(None, True), (0, False)])
def test_pings_alone_do_not_prove_that_a_stream_brings_the_events(
    count: int | None, *, is_looked_at: bool
) -> None:
    """Where upstream counts, the count shows what is missing; a look costs requests."""
    rules = open_stream(count)
    now, causes = 0.0, []
    while now < 2 * SILENCE_S:
        now += 5.0
        rules.heard(now)
        step = rules.request(now, Way.SSE)
        if isinstance(step, Look):
            rules.looked(now, Reading("active", count))
        elif isinstance(step, Page):
            causes.append(rules.cause)
            break
    assert causes == ([Cause.SILENCE] if is_looked_at else [])
