"""Pages by cursor: what ends a round, what proves an end, and when the cursor is doubted."""

from __future__ import annotations

from bridge.sources.miosa.rules.pages import ASKED, Clamp, Next, PageCursor


class Upstream:
    """A list of events behind `after_id`, with a clamp."""

    def __init__(self, count: int, clamp: int = 10**6) -> None:
        self.ids = [f"e{n}" for n in range(count)]
        self.clamp = clamp
        self.asked = 0

    def page(self, after: str | None) -> list[str]:
        self.asked += 1
        start = 0 if after is None else self.ids.index(after) + 1
        return self.ids[start : start + min(ASKED, self.clamp)]


def read_round(cursor: PageCursor, upstream: Upstream, *, is_first: bool) -> list[str]:
    got: list[str] = []
    while True:
        ids = upstream.page(cursor.after)
        got += ids
        if cursor.took_page(ids, is_first=is_first) is not Next.MORE:
            return got


def test_a_history_is_read_to_its_end_although_the_server_clamps_its_pages() -> None:
    for clamp in (20, 50, 100, 200):
        upstream = Upstream(700, clamp)
        cursor = PageCursor(Clamp())
        assert read_round(cursor, upstream, is_first=True) == upstream.ids


def test_a_live_run_is_not_asked_again_and_again_until_it_is_quiet() -> None:
    upstream = Upstream(3)
    cursor = PageCursor(Clamp())
    read_round(cursor, upstream, is_first=True)
    upstream.asked = 0
    upstream.ids.append("e3")
    assert read_round(cursor, upstream, is_first=False) == ["e3"]
    assert upstream.asked == 1


def test_only_an_empty_page_proves_the_end() -> None:
    cursor = PageCursor(Clamp())
    assert cursor.took_page(["a", "b"], is_first=False) is Next.LATER
    assert cursor.took_page([], is_first=False) is Next.EMPTY


def test_a_clamp_that_one_run_showed_is_known_to_all_of_the_server() -> None:
    clamp = Clamp()
    read_round(PageCursor(clamp), Upstream(120, 50), is_first=True)
    assert clamp.size == 50
    other = PageCursor(clamp)
    assert other.took_page([f"x{n}" for n in range(50)], is_first=False) is Next.MORE


def test_the_stream_does_not_move_the_cursor() -> None:
    upstream = Upstream(5)
    cursor = PageCursor(Clamp())
    read_round(cursor, upstream, is_first=True)
    upstream.ids += ["e5", "e6"]
    cursor.took_stream("e6")  # and e5 never came
    assert cursor.after == "e4"
    assert read_round(cursor, upstream, is_first=False) == ["e5", "e6"]


def test_a_cursor_that_shows_nothing_of_what_the_stream_brought_is_doubted_once() -> None:
    cursor = PageCursor(Clamp(), after="gone")
    cursor.took_stream("e1")
    assert cursor.took_page([], is_first=False) is Next.MORE
    assert (cursor.after, cursor.is_doubted) == (None, True)
    assert cursor.took_page(["e0", "e1"], is_first=False) is Next.LATER
    cursor.took_stream("never on a page")
    assert cursor.took_page([], is_first=False) is Next.EMPTY  # and no loop
