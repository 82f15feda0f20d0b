"""Words for a secret in another language, as forms and files of translations have them.

`"password": "Nueva contraseña"` names what is typed there. A password has no such form: only
letters, and among them a word for a secret, or two or three words like a sentence, or a script
without cases.
"""

from __future__ import annotations

import re
from typing import Final

from bridge.redact.fold import fold
from bridge.redact.names import languages
from bridge.redact.names.words import LABELS

LABEL_MAX: Final = 60  # characters
_WORD_LEAST: Final = 4  # letters of a Latin word that is looked for
_ESCAPED = re.compile(r"\\{1,7}u([0-9a-fA-F]{4})")
# Scripts from India to Japan, with the marks of their letters; nobody types a password in them.
_FAR = re.compile(
    r"[\u0900-\u109f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uff66-\uff9f"
    r" ()（）［］・、。.:：!?/-]{1,60}\Z"
)
_LETTERS = re.compile(r"(?:[^\W\d_]|[\u0300-\u036f ()'’/:.!?*…-]){2,60}\Z")
# `Konfirmasi kata sandi`, `Kunci API`.
_AS_SENTENCE = re.compile(r"[A-Z][a-z]{2,20}(?:[ -](?:[a-z]{1,20}|API|OTP|PIN|SSH|URL|JWT)){1,2}\Z")
_PHRASES: Final = frozenset(("passphrase", "mnemonic", "seed", "phrase"))


def _words() -> frozenset[str]:
    said = (*LABELS, *languages.PASSWORDS, *languages.KEYS, *languages.CODES)
    spelled = {spelling for word in said for spelling in (word.lower(), fold(word).lower())}
    return frozenset(word for word in spelled if len(word) >= _WORD_LEAST or not word.isascii())


_WORDS: Final = _words()


def is_label(look: str, low: str, words: tuple[str, ...]) -> bool:
    """Is a value such a word? `words`: of its name, in small letters."""
    if "\\u" in look:
        look = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), look)
        low = look.lower()
    if len(look) > LABEL_MAX:
        return False
    if not look.isascii() and _FAR.match(look) is not None:
        return True
    if _LETTERS.match(look) is None:
        return False
    if any(word in low for word in _WORDS) or (" " in look and not look.isascii()):
        return True
    return _AS_SENTENCE.match(look) is not None and _PHRASES.isdisjoint(words)
