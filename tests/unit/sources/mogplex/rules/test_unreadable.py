"""An event that cannot be read is told once, also over a restart; memory is bounded."""

from __future__ import annotations

from bridge.sources.mogplex.rules.unreadable import KEPT_MAX, Unreadable


def test_each_is_told_once() -> None:
    told = Unreadable()
    assert [told.is_news(key) for key in ("a", "b", "a")] == [True, True, False]


def test_a_restart_remembers() -> None:
    before, after = Unreadable(), Unreadable()
    before.is_news("a")
    after.restore(before.saved())
    assert not after.is_news("a")
    assert after.is_news("b")


def test_the_oldest_are_forgotten_first() -> None:
    told = Unreadable()
    for number in range(KEPT_MAX + 1):
        told.is_news(str(number))
    assert len(told.saved()) == KEPT_MAX
    assert told.is_news("0")
    assert not told.is_news("5")


def test_a_long_list_is_restored_in_part() -> None:
    told = Unreadable()
    told.restore([str(n) for n in range(10 * KEPT_MAX)])
    assert len(told.saved()) == KEPT_MAX
    assert not told.is_news(str(10 * KEPT_MAX - 1))
