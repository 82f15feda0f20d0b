"""What the keys of `top` do."""

from __future__ import annotations

from bridge.cli.top.screen import press
from bridge.cli.top.view import Wishes


def test_keys() -> None:
    wishes = Wishes()
    assert press("s", wishes)
    assert wishes.sort == "events"
    assert press("ra", wishes)
    assert wishes.is_reversed
    assert not wishes.shows_all
    assert press("\x1b[B", wishes)
    assert press("jjk", wishes)
    assert wishes.scroll == 2
    assert press("/", wishes)
    assert press("ab\x7fq", wishes)  # q is a letter now
    assert (wishes.typing, wishes.text) == ("aq", "")
    assert press("\r", wishes)
    assert (wishes.typing, wishes.text, wishes.scroll) == (None, "aq", 0)
    assert press("/x\x1b", wishes)
    assert press("\x1b", wishes)
    assert wishes.typing is None
    assert press("\x1b", wishes)
    assert wishes.text == ""
    assert not press("q", wishes)
    assert not press("\x03", wishes)
    assert not press(None, wishes)
