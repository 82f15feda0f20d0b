"""Key blocks and web tokens in the forms that logs give them."""

from __future__ import annotations

import base64
import json
import random
import re
import string

import pytest

from bridge.redact import Redactor
from bridge.redact.detectors import key_blocks

DRAW = random.Random(3)
LINES = ["".join(DRAW.choice(string.ascii_letters + string.digits + "+/") for _ in range(64)) for _ in range(6)] + ["Ab3dEf0xK1s="]  # fmt: skip
HEAD = "-----BEGIN RSA PRIVATE" + " KEY-----"
FOOT = "-----END RSA PRIVATE" + " KEY-----"
WHOLE = "\n".join([HEAD, *LINES, FOOT])


@pytest.mark.parametrize(
    "text",
    [
        WHOLE, WHOLE.replace("\n", "\\n"), WHOLE.replace("\n", "\\\\n"), WHOLE.replace("\n", "\r\n"), WHOLE.replace("\n", " "),
        WHOLE.replace("\n", "\n    "), "k=\"" + WHOLE + "\"", '"' + '" +\n"'.join(WHOLE.split("\n")) + '"',
        json.dumps({"key": WHOLE}), WHOLE.replace("\n", "%0A"), "\n".join(["+" + line for line in WHOLE.split("\n")]),
    ],
)  # fmt: skip
def test_a_key_block_is_removed_and_its_frame_kept(text: str) -> None:
    result = Redactor().text(f"found:\n{text}\ndone")
    assert not any(line in result for line in LINES)
    assert HEAD in result
    assert FOOT in result
    assert result.startswith("found:")
    assert result.endswith("done")


def test_a_block_without_its_end_or_its_beginning_is_removed() -> None:
    cut_end = "\n".join([HEAD, *LINES[:3], LINES[3][:20]])
    assert LINES[3][:20] not in Redactor().text(cut_end)
    cut_head = "\n".join([LINES[2][30:], *LINES[3:], FOOT, "done"])
    result = Redactor().text(cut_head)
    assert not any(line in result for line in LINES[3:])
    assert "done" in result
    escaped = Redactor().text("\\n".join([*LINES[3:], FOOT]))
    assert not any(line in escaped for line in LINES[3:])


def test_base64_of_a_key_block_is_removed_and_of_a_certificate_is_not() -> None:
    secret = base64.b64encode(WHOLE.encode()).decode()
    assert secret[40:80] not in Redactor().text(f"data: {secret}")
    public = base64.b64encode(
        WHOLE.replace("RSA PRIVATE" + " KEY", "CERTIFICATE").encode()
    ).decode()
    assert public in Redactor().text(f"ca: {public}")


def test_certificates_and_public_keys_stay() -> None:
    for label in ("CERTIFICATE", "PUBLIC KEY", "RSA PUBLIC KEY", "PGP PUBLIC KEY BLOCK"):
        text = "\n".join([f"-----BEGIN {label}-----", *LINES, f"-----END {label}-----"])
        assert Redactor().text(text) == text


def part(obj: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(obj).encode()).decode().rstrip("=")


def test_a_web_token_is_removed_whole_and_cut() -> None:
    head, claims, sign = part({"alg": "HS256", "typ": "JWT"}), part({"sub": "12345678"}), LINES[0][:43].replace("+", "-").replace("/", "_")  # fmt: skip
    assert Redactor().text(f"jwt {head}.{claims}.{sign} ok") == "jwt [REDACTED:jwt] ok"
    assert claims not in Redactor().text(f"x {head}.{claims}.{sign[:5]}")
    assert head[:30] not in Redactor().text(f"x {head[:30]}")
    harmless = part({"page": 2, "filter": "all of them"})
    assert Redactor().text(f"cursor {harmless} ok") == f"cursor {harmless} ok"


def test_private_members_of_a_json_web_key_are_removed() -> None:
    key = {"kty": "EC", "crv": "P-256", "x": LINES[0][:43], "d": LINES[1][:43]}
    assert Redactor().value(key) == {**key, "d": "[REDACTED:private-key]"}
    text = Redactor().text(json.dumps(key))
    assert LINES[1][:43] not in text
    assert LINES[0][:43] in text
    assert json.loads(text)["d"] == "[REDACTED:private-key]"


class Read:
    """Counts the characters that a search or a walk may read."""

    def __init__(self) -> None:
        self.chars = 0

    def __call__(self) -> Read:  # as a lazy expression
        return self

    def search(self, text: str, first: int, limit: int) -> re.Match[str] | None:
        self.chars += limit - first
        return END_OF.search(text, first, limit)

    def block_start(self, text: str, low: int, start: int) -> int:
        self.chars += start - low
        return BLOCK_START(text, low, start)


END_OF = key_blocks._END_OF()
BLOCK_START = key_blocks._block_start


def test_many_beginnings_of_blocks_are_not_read_to_the_end_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = Read()
    monkeypatch.setattr(key_blocks, "_END_OF", read)
    text = f"{HEAD}@</" * 1_000
    Redactor().text(text)
    assert 0 < read.chars <= 2 * len(text)


def test_many_ends_of_blocks_are_not_read_from_the_beginning_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = Read()
    monkeypatch.setattr(key_blocks, "_block_start", read.block_start)
    text = f"{FOOT}x" * 1_000
    Redactor().text(text)
    assert 0 < read.chars <= 2 * len(text)


def test_a_run_of_backslashes_before_an_end_is_one_piece() -> None:
    """From each of them the search for a line end began again."""
    assert key_blocks._PIECE().findall("\\" * 1_000 + "-") == ["\\" * 1_000, "-"]
