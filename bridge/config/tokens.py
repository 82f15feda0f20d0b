"""Tokens of upstream accounts: read from files or the environment, never shown.

A token leaves this room only as the return value of `token()`. It is in no repr, error or log.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

from bridge.core.errors import ConfigError

TOKEN_BYTES_MAX: Final = 4096  # an OAuth access token may be 2 KB; more is the wrong file


class TokenProvider(Protocol):
    """The current token of one account."""

    def token(self) -> str:
        """The text after `Bearer `; may change between calls.

        Raises:
            ConfigError: The first use finds no usable token.
        """
        ...

    @property
    def generation(self) -> int:
        """Grows by one whenever `token` began to return another text."""
        ...

    @property
    def touched(self) -> int:
        """Grows by one whenever somebody put a token there, be it the same text."""
        ...

    @property
    def described(self) -> str:
        """Where it comes from, for people: "file /run/secrets/mogplex"."""
        ...

    @property
    def warning(self) -> str | None:
        """Something the operator should mend although it works, or None."""
        ...


class TokenFile:
    """A token in a file, read again when the file changed (mtime, inode or size).

    Once a good token was read, a file that is missing, empty or broken for a moment (a rotation in
    two steps) keeps the last good one; `warning` then says so.
    """

    def __init__(self, path: Path, account: str) -> None:
        self._path = path
        self._account = account
        self._stamp: tuple[int, int, int] | None = None
        self._token: str | None = None
        self._generation = 0
        self._touched = 0
        self._warning: str | None = None

    def __repr__(self) -> str:
        return f"TokenFile({str(self._path)!r})"

    def token(self) -> str:
        """See `TokenProvider.token`. Checks the file for changes at every call."""
        try:
            self._refresh()
        except ConfigError as error:
            if self._token is None:
                raise
            self._warning = f"{error}; the last good token stays in use"
        assert self._token is not None
        return self._token

    @property
    def generation(self) -> int:
        """See `TokenProvider.generation`."""
        return self._generation

    @property
    def touched(self) -> int:
        """See `TokenProvider.touched`."""
        return self._touched

    @property
    def described(self) -> str:
        """See `TokenProvider.described`."""
        return f"file {self._path}"

    @property
    def warning(self) -> str | None:
        """See `TokenProvider.warning`."""
        return self._warning

    def _refresh(self) -> None:
        try:
            info = self._path.stat()
            stamp = (info.st_ctime_ns, info.st_ino, info.st_size)
            if stamp == self._stamp:
                return
            if stat.S_ISDIR(info.st_mode):
                raise ConfigError(self._text("is a directory"))
            with open(self._path, "rb", opener=self._opened) as opened:
                raw = opened.read(TOKEN_BYTES_MAX + 1) or b""  # None: a pipe without bytes
        except OSError as error:
            raise ConfigError(self._text((error.strerror or "unreadable").lower())) from None
        token = _checked(raw, self._text)
        # Stamped only after success: a broken file is looked at again at the next call.
        self._stamp = stamp
        self._touched += 1
        self._warning = None
        if info.st_mode & stat.S_IROTH:
            self._warning = self._text("is readable by every user of this machine; chmod 600 it")
        if token != self._token:
            self._token = token
            self._generation += 1

    def _opened(self, path: str, flags: int) -> int:
        """Wait for the writer of a pipe only at the start, because the event loop waits too."""
        return os.open(path, flags if self._token is None else flags | os.O_NONBLOCK)

    def _text(self, reason: str) -> str:
        return f'token file {self._path} of account "{self._account}": {reason}'


class TokenVariable:
    """A token in an environment variable; it never changes."""

    warning: str | None = None
    generation = touched = 1

    def __init__(self, name: str, account: str, environ: Mapping[str, str]) -> None:
        self._name = name
        raw = os.fsencode(environ.get(name, ""))
        self._token = _checked(raw, lambda r: f'variable {name} of account "{account}": {r}')

    def __repr__(self) -> str:
        return f"TokenVariable({self._name!r})"

    def token(self) -> str:
        """See `TokenProvider.token`."""
        return self._token

    @property
    def described(self) -> str:
        """See `TokenProvider.described`."""
        return f"environment {self._name}"


def _checked(raw: bytes, say: Callable[[str], str]) -> str:
    """The token in the bytes, or ConfigError; the text never repeats any of them."""
    if len(raw) > TOKEN_BYTES_MAX:
        raise ConfigError(say("longer than 4 KiB; it must hold the token and nothing else"))
    text = raw.removeprefix(b"\xef\xbb\xbf").strip()
    if not text:
        raise ConfigError(say("is empty; it must hold the token"))
    if text[:7].lower() == b"bearer ":
        raise ConfigError(say('begins with "Bearer "; it must hold only the token'))
    if any(byte <= 0x20 or byte >= 0x7F for byte in text):
        raise ConfigError(
            say("holds spaces or characters that are not ASCII; it must hold only the token")
        )
    return text.decode("ascii")
