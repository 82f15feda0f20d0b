"""Canaries: secrets planted in everything upstream sends, each a fresh one, and their search.

`CanarySimulator` is the simulator whose every reply is tampered with on its way out: JSON, error
texts, HTML, headers, frames and comments of streams. Left alone is only what the protocol turns on:
ids, types, times and the status words; redaction never touches those (issue 6).
"""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Iterator
from typing import Any

import orjson
from ahocorasick_rs import BytesAhoCorasick
from aiohttp import web

from bridge.simulator import Simulator
from bridge.simulator.mogplex import stream

ALNUM = string.ascii_letters + string.digits
HEADERS_MAX = 60  # different texts in headers
# What the bridge orders, dedupes and decides by.
IDENTITY = frozenset(
    ("id", "runId", "type", "createdAt", "updatedAt", "aiCallId", "status", "ok", "code")
)


class Canaries:
    """Makes texts that hold a secret, and remembers the secrets."""

    def __init__(self, seed: int, own_token: str = "") -> None:
        self._random = random.Random(seed)
        self._own_token = own_token
        self.planted: list[str] = [own_token] if own_token else []
        self._number = 0
        self._trees: dict[bytes, Any] = {}
        self._headers: list[str] = []
        self._pieces: tuple[int, list[int], Any] = (-1, [], None)

    def secret(self, size: int = 32) -> str:
        while True:
            value = "".join(self._random.choice(ALNUM) for _ in range(size))
            if sum(map(str.isdigit, value)) >= 3 and any(map(str.isalpha, value)):
                self.planted.append(value)
                return value

    def text(self) -> str:
        """One of the forms a secret comes in, in turn."""
        self._number += 1
        forms = (
            lambda: f"key msk_live_{self.secret()} in use",
            lambda: f"pushing with ghp_{self.secret(36)}",
            lambda: f"export DB_PASSWORD={self.secret(12)}",
            lambda: f"> Authorization: Bearer {self.secret(40)}",
            lambda: f"connect to postgres://app:{self.secret(16)}@db.internal:5432/app",
            lambda: orjson.dumps({"apiKey": self.secret(), "n": 1}).decode(),
            lambda: f"curl -u bob:{self.secret(14)} https://e.example/x",
            lambda: f"GET https://e.example/cb?page=1&access_token={self.secret(40)}",
            lambda: f"Set-Cookie: sid={self.secret(40)}; Path=/",
            lambda: f"token {self._jwt()} refused",
            lambda: f'{{\\"password\\": \\"{self.secret(16)}\\", \\"cut',
            lambda: f"retrying with {self._own_token or 'mog_' + self.secret()}",
        )
        return forms[self._number % len(forms)]()

    def _jwt(self) -> str:
        head, body = (
            base64.urlsafe_b64encode(part).decode().rstrip("=")
            for part in (b'{"alg":"HS256","typ":"JWT"}', b'{"sub":"1234567890"}')
        )
        return f"{head}.{body}.{self.secret(43)}"

    def header(self) -> str:
        """A text that may stand in a header; one of a few."""
        if len(self._headers) < HEADERS_MAX:
            self._headers.append(self.text().replace("\n", " "))
        return self._random.choice(self._headers)

    def tree(self, value: Any) -> Any:
        """The same JSON with a secret in every text that may hold one, and below new names.

        What is shown again has the secrets it had before, as upstream's events do.
        """
        if not isinstance(value, dict):
            return self._tree(value)
        known = orjson.dumps(value)
        if known not in self._trees:
            self._trees[known] = self._tree(value)
        return self._trees[known]

    def _tree(self, value: Any) -> Any:
        if isinstance(value, dict):
            fresh = {
                key: item if key in IDENTITY else self.tree(item) for key, item in value.items()
            }
            fresh["note"] = self.text()
            fresh["clientSecret"] = self.secret()
            fresh[f"ghp_{self.secret(36)}"] = {"seen": 1}
            return fresh
        if isinstance(value, list):
            return [self.tree(item) for item in value]
        return f"{value} {self.text()}" if isinstance(value, str) else value

    def found_in(self, text: str) -> list[str]:
        """The secrets, or halves of them, that are in a text. Empty is what a test wants.

        Each is looked for by its two halves, and in capitals: a cut, not chance, leaves one half.
        """
        if self._pieces[0] != len(self.planted):
            pieces = {}
            for number, secret in enumerate(self.planted):
                half = max(6, min(20, len(secret) // 2))
                for piece in (secret[:half], secret[-half:], secret[:half].upper()):
                    pieces[piece.encode()] = number
            self._pieces = len(self.planted), list(pieces.values()), BytesAhoCorasick(list(pieces))
        _, numbers, automaton = self._pieces
        raw = text.encode("utf-8", "surrogatepass")
        matches = automaton.find_matches_as_indexes(raw, overlapping=True)
        found = {numbers[which] for which, _, _ in matches}
        return [self.planted[number] for number in sorted(found)]


class CanarySimulator(Simulator):
    """Tampers with every reply. `pytest`'s monkeypatch is needed for the frames of streams."""

    def __init__(self, canaries: Canaries, patch: Any, **more: Any) -> None:
        super().__init__(**more)
        self.canaries = canaries
        self._tamper_with_frames(patch)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        response = await super()._answer(request)
        if isinstance(response, web.Response) and not request.path.startswith("/_sim"):
            self._tamper(response)
        return response

    def _tamper(self, response: web.Response) -> None:
        canaries = self.canaries
        for name in ("X-Request-Id", "X-Debug", "Server", "Via", "Set-Cookie", "WWW-Authenticate"):
            response.headers[name] = canaries.header()
        if response.status >= 300:
            response.headers["Location"] = f"https://e.example/?access_token={canaries.secret(40)}"
        body = response.body if isinstance(response.body, bytes) else b""
        if body[:1] in (b"{", b"["):
            response.body = orjson.dumps(canaries.tree(orjson.loads(body)))
        elif body:
            response.body = body + f"<p>{canaries.text()}</p>".encode()

    def _tamper_with_frames(self, patch: Any) -> None:
        event_frame, run_frame = stream.event_frame, stream.run_frame

        def tampered(frame: bytes) -> bytes:
            return b"".join(self._lines(frame))

        patch.setattr(stream, "event_frame", lambda *args: tampered(event_frame(*args)))
        patch.setattr(stream, "run_frame", lambda *args: tampered(run_frame(*args)))
        patch.setattr(stream, "comment_frame", lambda _: f": {self.canaries.text()}\n\n".encode())
        for name in ("X-Request-Id", "Server"):
            patch.setitem(stream.HEADERS, name, self.canaries.header())

    def _lines(self, frame: bytes) -> Iterator[bytes]:
        """A frame with comments and unknown fields around its own."""
        yield f": {self.canaries.text()}\n".encode()
        yield f"debug: {self.canaries.text()}\n".encode()
        for line in frame.splitlines(keepends=True):
            if line.startswith(b"data: "):
                tree = self.canaries.tree(orjson.loads(line[6:]))
                yield b"data: " + orjson.dumps(tree) + b"\n"
            else:
                yield line
