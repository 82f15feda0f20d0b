"""Folding: text as a person reads it, one character for one, so that offsets can be mapped back.

Full-width and mathematical letters, homoglyphs, drawn boxes and invisible characters hide a secret
from a search but not from a reader who copies it. NFKC is applied per character and only where the
result is a single character; invisible ones are dropped.
"""

from __future__ import annotations

import unicodedata

# Characters without width that may stand inside a word: soft hyphen, zero-width space and
# joiners, word joiner, byte-order mark, direction marks and overrides, variation selectors.
INVISIBLE = frozenset(
    (
        *(0x00AD, 0x034F, 0x061C, 0x180E, 0xFEFF),
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        *range(0xFE00, 0xFE10),
        *range(0xE0000, 0xE0080),
    )
)

# Letters of other scripts that look like Latin ones (Unicode TR39, the pairs in common use).
_LOOKALIKE = dict(
    zip(
        "аеорсухіјѕһԁԛԝкмтнвАЕОРСУХІЈЅНВКМТαορνικτΑΒΕΖΗΙΚΜΝΟΡΤΥΧİıſ",
        "aeopcyxijshdqwkmtnbAEOPCYXIJSHBKMTaopvikTABEZHIKMNOPTYXIis",
        strict=True,
    )
)


# Lines of boxes that tables are drawn with: the strokes of plain text.
_BOXES = {
    code: "|" if char in "│┃┆┇┊┋║╎╏╽╿" else "-" if char in "─━┄┅┈┉═╌╍╼╾" else "+"
    for code in range(0x2500, 0x2580)
    for char in (chr(code),)
}


class _FoldTable(dict[int, str | None]):
    """Fills itself, so that a translation costs one look-up per character already seen."""

    def __missing__(self, code: int) -> str | None:
        char = chr(code)
        folded: str | None = char
        if code in INVISIBLE:
            folded = None
        elif char in _LOOKALIKE:
            folded = _LOOKALIKE[char]
        elif code in _BOXES:
            folded = _BOXES[code]
        elif code > 0x7F:
            compatible = unicodedata.normalize("NFKC", char)
            if len(compatible) == 1 and len(compatible.lower()) == 1:
                folded = compatible
        # The table never outgrows Unicode; hostile text is kept from filling it all the same.
        if len(self) < 8192:
            self[code] = folded
        return folded


_TABLE = _FoldTable()


def fold(text: str) -> str:
    """Return the text folded; shorter than `text` exactly if it held invisible characters."""
    return text if text.isascii() else text.translate(_TABLE)


def offsets(text: str) -> list[int]:
    """Return, for every offset of `fold(text)` and its end, the offset in `text`."""
    kept = [at for at, char in enumerate(text) if ord(char) not in INVISIBLE]
    kept.append(len(text))
    return kept


def plain_letters(word: str) -> str:
    """Return the word in lower case without accents: `Contraseña` becomes `contrasena`."""
    parts = unicodedata.normalize("NFD", word.lower())
    return "".join(char for char in parts if not unicodedata.combining(char))
