"""`top` on a terminal: one thread reads the bridge, this one reads the keys and draws.

The terminal's settings are restored on return, also after an error.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from typing import Final

from rich.console import Console, ConsoleDimensions
from rich.live import Live

from bridge.cli.top.reading import BridgeReader, NoBridgeError, View
from bridge.cli.top.sorts import SORTS
from bridge.cli.top.view import ViewOptions, render

_ESCAPE_S: Final = 0.05  # after ESC: wait for the rest of an arrow key
_KEY_BYTES_MAX: Final = 64  # per read; a paste arrives in pieces
_FILTER_CHARS_MAX: Final = 100
_ESC: Final = "\x1b"
_QUIT: Final = {"q", "Q", "\x03", "\x04"}  # also Ctrl+C and Ctrl+D
_ARROWS: Final = {"\x1b[A": -1, "\x1b[B": 1, "\x1b[5~": -10, "\x1b[6~": 10, "k": -1, "j": 1}


class Looking:
    """Reads the bridge every `interval_s` in its own thread, and calls `wake` after each read."""

    def __init__(
        self, reader: BridgeReader, first: View, interval_s: float, wake: Callable[[], None]
    ) -> None:
        self.view = first
        self.trouble: str | None = None
        self._reader = reader
        self._interval_s = interval_s
        self._wake = wake
        self._stopping = threading.Event()
        # `stop` does not join the thread, so that a hanging bridge does not delay the user.
        self._thread = threading.Thread(target=self._run, name="top-reader", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop reading."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(self._interval_s):
            try:
                self.view, self.trouble = self._reader.read(), None
            except NoBridgeError as error:
                self.trouble = f"{error} (showing older data)"
            if not self._stopping.is_set():
                self._wake()


def show(
    reader: BridgeReader, first: View, *, interval_s: float, sort: str = "lag", text: str = ""
) -> None:
    """Draw until the user quits.

    Args:
        reader: Reads the bridge.
        first: The first view.
        interval_s: Seconds between reads.
        sort: The order of the runs.
        text: The initial filter.
    """
    options = ViewOptions(sort=sort, text=text)
    console = Console(highlight=False)
    with _waking() as (awake, wake), _keys() as keyboard:
        looking = Looking(reader, first, interval_s, wake)
        try:
            with Live(console=console, screen=True, auto_refresh=False) as live:
                while True:
                    options.trouble = looking.trouble
                    _measure(console)
                    lines = console.size.height
                    live.update(render(looking.view, options, lines=lines), refresh=True)
                    ready, _, _ = select.select([keyboard, awake], [], [])
                    if awake in ready:
                        os.read(awake, 4096)
                    if keyboard in ready and not press(_read_keys(keyboard), options):
                        return
        finally:
            looking.stop()


def _measure(console: Console) -> None:
    """Set the window's current size: rich prefers COLUMNS and LINES, which do not follow it."""
    columns, lines = os.get_terminal_size(sys.stdout.fileno())
    if columns and lines:  # 0 if the terminal does not know
        console.size = ConsoleDimensions(columns, lines)


def press(keys: str | None, options: ViewOptions) -> bool:
    """Act on pressed keys. Returns False to quit; None as `keys` means no terminal is left."""
    if keys is None:
        return False
    if options.typing is not None:
        return _type(keys, options)
    if keys == _ESC:
        options.text = ""
    for n, key in enumerate([keys] if keys in _ARROWS else keys):
        if key in _QUIT:
            return False
        if key == "/":
            options.typing = options.text
            return _type(keys[n + 1 :], options)
        _look(key, options)
    return True


def _look(key: str, options: ViewOptions) -> None:
    match key:
        case "s":
            options.sort = SORTS[(SORTS.index(options.sort) + 1) % len(SORTS)]
        case "r":
            options.is_reversed = not options.is_reversed
        case "a":
            options.shows_all = not options.shows_all
        case _:
            options.scroll += _ARROWS.get(key, 0)


def _type(keys: str, options: ViewOptions) -> bool:
    assert options.typing is not None
    if keys.startswith(_ESC):
        options.typing = None
        return True
    for key in keys:
        if key in "\r\n":
            options.text, options.typing, options.scroll = options.typing, None, 0
            return True
        if key == "\x03":
            return False
        if key in "\x7f\b":
            options.typing = options.typing[:-1]
        elif key.isprintable():
            options.typing = (options.typing + key)[:_FILTER_CHARS_MAX]
    return True


@contextlib.contextmanager
def _waking() -> Iterator[tuple[int, Callable[[], None]]]:
    """A descriptor that becomes readable after `wake` and after a change of window size."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)

    def wake() -> None:
        with contextlib.suppress(OSError):  # full: already awake; closed: already over
            os.write(writing, b"\0")

    before = signal.signal(signal.SIGWINCH, lambda _number, _frame: wake())
    try:
        yield reading, wake
    finally:
        signal.signal(signal.SIGWINCH, before)
        os.close(reading)
        # `writing` stays open, because the reader's thread may still write to it.


@contextlib.contextmanager
def _keys() -> Iterator[int]:
    """The keyboard without line editing and echo; Ctrl+C arrives as a key."""
    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    try:
        tty.setraw(fd, termios.TCSANOW)
        output = termios.tcgetattr(fd)
        output[1] |= termios.OPOST | termios.ONLCR  # raw mode is for input only
        termios.tcsetattr(fd, termios.TCSANOW, output)
        yield fd
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def _read_keys(fd: int) -> str | None:
    data = os.read(fd, _KEY_BYTES_MAX)
    if data == b"\x1b" and select.select([fd], [], [], _ESCAPE_S)[0]:
        data += os.read(fd, _KEY_BYTES_MAX)
    return data.decode("utf-8", "ignore") if data else None
