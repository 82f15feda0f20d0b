"""What the keys of `top` do."""

from __future__ import annotations

from bridge.cli.top.screen import press
from bridge.cli.top.view import ViewOptions


def test_keys() -> None:
    options = ViewOptions()
    assert press("s", options)
    assert options.sort == "events"
    assert press("ra", options)
    assert options.is_reversed
    assert not options.shows_all
    assert press("\x1b[B", options)
    assert press("jjk", options)
    assert options.scroll == 2
    assert press("/", options)
    assert press("ab\x7fq", options)  # q is a letter now
    assert (options.typing, options.text) == ("aq", "")
    assert press("\r", options)
    assert (options.typing, options.text, options.scroll) == (None, "aq", 0)
    assert press("/x\x1b", options)
    assert press("\x1b", options)
    assert options.typing is None
    assert press("\x1b", options)
    assert options.text == ""
    assert not press("q", options)
    assert not press("\x03", options)
    assert not press(None, options)
