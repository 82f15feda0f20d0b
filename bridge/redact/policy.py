"""What an operator may change about redaction: the `[redaction]` table (outside.md 5)."""

from __future__ import annotations

from dataclasses import dataclass

# Limits of what a policy may add; each name costs one comparison per new key, each pattern one
# search per text.
EXTRA_KEYS_MAX = 256
EXTRA_PATTERNS_MAX = 64


@dataclass(frozen=True, slots=True)
class Policy:
    """Changes on top of the built-in rules. The default changes nothing.

    `keys`: globs over key names, compared without case and with `_`, `-`, `.` and blanks alike;
    a value below such a key is always replaced. `patterns`: (name, regular expression) pairs
    searched in every text; group `secret` if there is one, else the whole match, is replaced.
    `keep`: dotted paths below the event (`payload.tokenizer`, `*` stands for one step) that are
    passed through unread. `off`: ids of built-in rules (`RULES`) that are not applied.
    `fingerprint_key`: 16 bytes or more turn markers into `[REDACTED:kind:<10 hex digits>]`.
    """

    keys: tuple[str, ...] = ()
    patterns: tuple[tuple[str, str], ...] = ()
    keep: tuple[str, ...] = ()
    off: frozenset[str] = frozenset()
    fingerprint_key: bytes | None = None


DEFAULT_POLICY = Policy()
