"""Text in columns: its width, where it wraps, and how fragments of speech become sentences."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

_SENTENCE_END: Final = re.compile(r"[.!?…][\"')\]]?$")
_SENTENCES: Final = re.compile(r".*[.!?…][\"')\]]?(?=\s)", re.DOTALL)
_WORDS: Final = re.compile(r"\s+|\S+")


_MS_MAX: Final = 10.0**12  # 30 years


def width(text: str) -> int:
    """Terminal columns of a text; the text has passed `harmless`."""
    if text.isascii():
        return len(text)
    return sum(map(_cells, text))


def _cells(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cut(text: str, columns: int) -> str:
    """The text in at most `columns` columns, with an ellipsis if it was cut."""
    if width(text) <= columns:
        return text
    kept, used = [], 0
    for char in text:
        used += _cells(char)
        if used > columns - 1:
            break
        kept.append(char)
    return "".join(kept).rstrip() + "…" if columns > 0 else ""


def padded(text: str, columns: int) -> str:
    """The text in exactly `columns` columns."""
    text = cut(text, columns)
    return text + " " * (columns - width(text))


def wrapped(text: str, columns: int | None) -> Iterator[str]:
    """The lines of one paragraph; words that are too long are broken. None: one line."""
    if columns is None or width(text) <= columns:
        yield text
        return
    line, used = "", 0
    for word in _WORDS.findall(text):
        wide = width(word)
        if used + wide > columns and line:
            if line.strip():
                yield line.rstrip()
            line, used = "", 0
            if word.isspace():
                continue
        while wide > columns:
            head = _head(word, columns)
            yield head
            word = word[len(head) :]  # noqa: PLW2901 - what is left of it
            wide = width(word)
        line, used = line + word, used + wide
    if line.strip():
        yield line.rstrip()


def _head(word: str, columns: int) -> str:
    used = 0
    for index, char in enumerate(word):
        used += _cells(char)
        if used > columns:
            return word[: max(1, index)]
    return word


def joined(before: str, fragment: str) -> str:
    """Two fragments of speech as one text, verbatim.

    A blank is added only where a sentence ends, a capital follows and neither fragment has one:
    some harnesses send whole sentences without blanks, others cut words.
    """
    if before and fragment[:1].isupper() and _SENTENCE_END.search(before[-3:]):
        return f"{before} {fragment}"
    return before + fragment


def whole_sentences(text: str) -> int:
    """Characters up to the end of the last complete sentence."""
    match = _SENTENCES.match(text)
    return match.end() if match else 0


def remainder(final: str, said: str) -> str:
    """The part of a final text that was not shown yet; blanks do not count."""
    bare_final, bare_said = "".join(final.split()), "".join(said.split())
    if not bare_final or bare_final in bare_said:
        return ""
    shared = _overlap(bare_said, bare_final)
    if not shared:
        return final
    for index, char in enumerate(final):
        if not char.isspace():
            shared -= 1
            if shared == 0:
                return final[index + 1 :].lstrip()
    return ""


def _overlap(said: str, final: str) -> int:
    """Characters that are both the end of `said` and the start of `final`; in linear time."""
    tail = said[-len(final) :]
    table = [0] * len(final)  # Knuth, Morris and Pratt
    matched = 0
    for index in range(1, len(final)):
        while matched and final[index] != final[matched]:
            matched = table[matched - 1]
        matched += final[index] == final[matched]
        table[index] = matched
    matched = 0
    for char in tail:
        while matched and (matched == len(final) or char != final[matched]):
            matched = table[matched - 1]
        matched += char == final[matched]
    return matched if matched > 3 else 0


def seconds_of(ms: object) -> float | None:
    """Upstream's duration in milliseconds as seconds; None for what is no duration.

    A number of hundreds of digits, which JSON allows, is none.
    """
    if not isinstance(ms, int | float) or isinstance(ms, bool) or ms > _MS_MAX:
        return None
    return max(0, ms) / 1000


def span(seconds: float) -> str:
    """A duration for people: `40 ms`, `6.0 s`, `3m12s`, `2h04m`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"


def many(count: int, word: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"
