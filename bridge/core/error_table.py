"""What upstream's error codes mean, as data: one row per code.

The sources judge by these rows, the docs print them, and `mogplex-bridge explain` looks them up, so
all three agree.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from bridge.core.errors import Retry

_NO_WORD = re.compile(r"[^a-z0-9]+")


class Wait(enum.StrEnum):
    """How long to wait before the same request may be sent again, and what waits."""

    NEVER = "never"  # this request will never succeed
    HUMAN = "human"  # a person has to act; the bridge only checks again, slowly
    # until the row of the thing allows the request; the bridge checks a limited number of times
    STATE = "state"
    TOKEN = "token"  # noqa: S105 - no secret: one request for all feeds of the token probes it
    AT_ONCE = "at_once"  # with a new ticket, one time
    SHORT = "short"  # a few seconds; only this feed waits
    BACKOFF = "backoff"  # doubling; only this feed waits
    KEY = "key"  # as the server demands; every request of the key waits


# First and longest wait in seconds without a demand of the server (contracts, MIOSA 3.6 and 4).
WAIT_S: dict[Wait, tuple[float, float]] = {
    Wait.NEVER: (0.0, 0.0),
    Wait.HUMAN: (60.0, 300.0),
    Wait.STATE: (5.0, 30.0),
    Wait.TOKEN: (15.0, 300.0),
    Wait.AT_ONCE: (0.0, 0.0),
    Wait.SHORT: (3.0, 15.0),
    Wait.BACKOFF: (1.0, 30.0),
    Wait.KEY: (60.0, 60.0),
}

WAIT_WORDS: dict[Wait, str] = {
    Wait.NEVER: "none: no retry",
    Wait.HUMAN: "until you act",
    Wait.STATE: "the bridge reads the state every 5 to 30 s until it allows the request",
    Wait.TOKEN: "15 s, 15 s, then 1 to 5 minutes; all feeds of the token",
    Wait.AT_ONCE: "none: one new ticket",
    Wait.SHORT: "3 s, doubling to 15 s; this feed",
    Wait.BACKOFF: "1 s, doubling to 30 s; this feed",
    Wait.KEY: "`Retry-After`, else 30 to 60 s; the whole key",
}


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One code of one system."""

    code: str  # as upstream writes it, any case; a final `*` stands for any ending
    http: tuple[int, ...]  # HTTP statuses of the code; empty where none is known
    retry: Retry
    wait: Wait
    meaning: str  # one sentence, for people
    action: str  # what to do about it, for people
    source: str  # the source of the fact: seed, docs, source, inferred (docs/contracts)

    @property
    def word(self) -> str:
        """The code as one word: what logs, records and metric labels show."""
        return self.code if self.code.isidentifier() else code_key(self.code)


def code_key(text: str) -> str:
    """Return the common form of a code's spellings: lower case, one `_` between words."""
    return _NO_WORD.sub("_", text.strip().lower()).strip("_")
