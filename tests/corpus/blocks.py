"""Texts as people and programs write them, from `positive.txt` and `negative.txt` beside this file.

Blocks are parted by a line `%%`. In `⟦...⟧` stands what is secret, in `⟨...⟩` what is random and
harmless: `a40` is 40 letters and digits, `h` hex, `l` lower case, `u` upper case, `w` with `_-`, `b`
base64, `d` digits, `n` bech32; `M` so many words of a phrase; `PA` and `P` are passwords of people, `PU` one for a URL, `W` four words, `U` a
UUID, `B` base64, `BP` base64 of `user:password`. `{...}` inside stands for a part, `~` in
`PRIVATE~KEY` for the blank that scanners of repositories look for.
"""

from __future__ import annotations

import base64
import json
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.corpus.build import Maker

HERE = Path(__file__).parent
_SECRET = re.compile(r"⟦(.*?)⟧", re.S)
_HARMLESS = re.compile(r"⟨(\w+)⟩")
_PART = re.compile(r"\{(\w+)\}")
ALPHABETS = {
    "a": string.ascii_letters + string.digits, "l": string.ascii_lowercase + string.digits,
    "u": string.ascii_uppercase + string.digits, "h": "0123456789abcdef", "H": "0123456789ABCDEF",
    "w": string.ascii_letters + string.digits + "_-", "b": string.ascii_letters + string.digits + "+/",
    "d": string.digits, "n": "qpzry9x8gf2tvdw0s3jn54khce6mua7l",
}  # fmt: skip


def blocks(name: str) -> list[str]:
    text = (HERE / f"{name}.txt").read_text(encoding="utf-8").replace("~KEY", " KEY")
    return [block.strip("\n") for block in text.split("\n%%\n") if block.strip()]


def drawn(maker: Maker, spec: str) -> str | None:
    """A random value for a slot, None if the text is no slot."""
    if found := re.fullmatch(r"([aluhHwbdn])(\d+)", spec):
        alphabet, size = ALPHABETS[found[1]], int(found[2])
        inner = maker.pick(alphabet, size) if size < 8 or found[1] == "d" else None
        value = inner or maker.mixed(alphabet, size)
        return "A" + value[1:-1] + "z" if found[1] == "w" and size > 2 else value
    if found := re.fullmatch(r"M(\d+)", spec):
        return " ".join(maker.random.sample(_PHRASE, int(found[1])))
    word = maker.random.choice
    match spec:
        case "P":
            return maker.password()
        case "PA":
            return f"{word(_WORDS)}{word(_WORDS).title()}{maker.pick(string.digits, 4)}"
        case "PU":
            return maker.mixed(string.ascii_letters + string.digits + "-._~", 13) + "x7"
        case "W":
            return " ".join(maker.random.sample(_WORDS, 4))
        case "U":
            h = maker.mixed("0123456789abcdef", 32)
            return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"
        case "B":
            return base64.b64encode(maker.random.randbytes(30)).decode()
        case "BP":
            return base64.b64encode(f"user:{drawn(maker, 'PA')}".encode()).decode()
        case "BP2":
            return base64.b64encode((drawn(maker, "PA") or "").encode()).decode()
    return None


_PHRASE = """abandon ability able about above absent absorb abstract absurd abuse access accident account
accuse achieve acid acoustic acquire across action actor actress actual adapt addict address adjust
admit adult advance advice aerobic affair afford afraid again agent agree ahead""".split()
_WORDS = """amber falcon river stone maple cobalt harbor lantern meadow orbit pixel quartz saffron
tundra velvet willow zephyr ginger copper marble""".split()


def filled(maker: Maker, block: str) -> tuple[str, list[str], list[str]]:
    """The text, its secrets, and the pieces around them."""
    secrets: list[str] = []

    def secret(slot: re.Match[str]) -> str:
        inner = slot[1]
        value = drawn(maker, inner) or _PART.sub(
            lambda part: drawn(maker, part[1]) or part[0], inner
        )
        secrets.append(value)
        return f"\x00{value}\x00"

    text = _HARMLESS.sub(lambda slot: drawn(maker, slot[1]) or slot[0], _SECRET.sub(secret, block))
    around = [piece.strip() for piece in text.split("\x00")[::2]]
    return text.replace("\x00", ""), secrets, [piece for piece in around if len(piece) >= 4]


def framed(text: str) -> Iterator[tuple[dict[str, Any], int]]:
    """Events that carry the text, and how often it is escaped in each."""
    yield {"message": text, "payload": {}}, 0
    yield {"message": "x", "payload": {"output": {"stdout": text, "stderr": ""}}}, 0
    inner = json.dumps({"path": "a.txt", "content": text})
    yield {"message": "x", "payload": {"output": inner}}, 1
    cut = json.dumps({"results": [{"path": "b", "text": inner}]}) + "... more"
    yield {"message": "x", "payload": {"truncated": True, "payloadPreview": cut}}, 2


def escaped(text: str, depth: int) -> str:
    for _ in range(depth):
        text = json.dumps(text)[1:-1]
    return text
