"""Made-up conversation: people and agents who build something together."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from bridge.simulator.moot.store import Draft

PEOPLE = ("ana", "ben")
AGENTS = ("builder", "reviewer", "tester")
# Who may say it, its message type (None: metadata is absent), what is said.
_LINES: tuple[tuple[tuple[str, ...], str | None, str], ...] = (
    (PEOPLE, None, "Morning. Can somebody look at the failing checkout test?"),
    (PEOPLE, "question", "Do we keep the old endpoint until the mobile app is out?"),
    (
        PEOPLE,
        "feature",
        "Please add an export of invoices as CSV, with the customer's own columns.",
    ),
    (PEOPLE, "decision", "We ship on Thursday and leave the redesign for next week."),
    (PEOPLE, "bug", "Totals are off by a cent when a discount meets VAT."),
    (AGENTS, "status_update", "Reading the order service; three places round before they sum."),
    (AGENTS, "status_update", "All 214 tests pass, 3 were flaky and are quarantined."),
    (AGENTS, "code_share", "```python\ntotal = sum(line.net for line in lines)\n```"),
    (AGENTS, "review_request", "Ready for review: branch `fix/rounding`, 4 files, 61 lines."),
    (AGENTS, "git_request", "May I push `fix/rounding` to origin?"),
    (AGENTS, "stack_request", "I need a database with last week's orders to reproduce it."),
    (AGENTS, "question", "Should a refund be rounded like the order, or for itself?"),
    (AGENTS, "retro", "The rounding rule was written in two places; it is in one now."),
    (AGENTS, None, "On it."),
    (PEOPLE, None, "Thanks, looks good to me. 👍"),
)
REPLY_CHANCE = 0.35
THREAD_CHANCE = 0.2


def conversation(chance: Random) -> Iterator[Draft]:
    """Endless; replies name the event before them by the place `-1`, filled in by the caller."""
    thread: str | None = None
    while True:
        who, kind, text = chance.choice(_LINES)
        if thread is not None and chance.random() < 0.3:
            thread = None
        elif thread is None and chance.random() < THREAD_CHANCE:
            thread = f"thr_{chance.getrandbits(60):012x}"
        yield Draft(
            text,
            speaker=chance.choice(who),
            message_type=kind,
            parent="-1" if chance.random() < REPLY_CHANCE else None,
            thread=thread,
        )
