"""What is believed about a server, and how long."""

from __future__ import annotations

from bridge.sources.mogplex.features import (
    ABSENT_RETRY_S,
    BROKEN_RETRY_S,
    BROKEN_STRIKES,
    Features,
    StreamKind,
)


def test_an_unknown_server_is_asked() -> None:
    features = Features()
    assert features.has_stream(0.0)
    assert features.may_resume


def test_an_absent_stream_is_asked_for_again_after_ten_minutes() -> None:
    features = Features()
    features.stream_absent(100.0)
    assert not features.may_resume
    assert not features.has_stream(100.0 + ABSENT_RETRY_S - 1)
    assert features.has_stream(100.0 + ABSENT_RETRY_S)


def test_one_failed_connect_is_chance_and_three_are_a_broken_stream() -> None:
    features = Features()
    for _ in range(BROKEN_STRIKES - 1):
        features.stream_failed(0.0)
        assert features.has_stream(0.0)
    features.stream_failed(0.0)
    assert features.stream is StreamKind.BROKEN
    assert not features.has_stream(BROKEN_RETRY_S[0] - 1)
    assert features.has_stream(BROKEN_RETRY_S[0])


def test_a_broken_stream_is_left_alone_longer_each_time_up_to_a_limit() -> None:
    features, now, waits = Features(), 0.0, []
    for _ in range(BROKEN_STRIKES - 1):
        features.stream_failed(now)
    for _ in range(6):
        features.stream_failed(now)
        wait = next(s for s in range(2000) if features.has_stream(now + s))
        waits.append(wait)
        now += wait
    assert waits == [120, 240, 480, 900, 900, 900]


def test_a_connect_forgives() -> None:
    features = Features()
    for _ in range(BROKEN_STRIKES):
        features.stream_failed(0.0)
    features.stream_connected()
    assert features.stream is StreamKind.RESUMABLE
    features.stream_failed(0.0)
    assert features.has_stream(0.0)


def test_the_first_version_is_told_by_what_it_replays_and_believed_until_it_resumes() -> None:
    features = Features()
    features.stream_connected()
    features.stream_began(before_cursor=True)
    features.stream_connected()
    assert features.stream is StreamKind.REPLAYING
    assert not features.may_resume
    assert features.has_stream(0.0)
    features.stream_began(before_cursor=False)
    assert features.stream is StreamKind.RESUMABLE
