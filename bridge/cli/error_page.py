"""docs/errors.md, from the tables of the systems: `python -m bridge.cli.error_page`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from bridge.cli.explain import RETRY_WORDS, table
from bridge.core.error_table import WAIT_WORDS, ErrorRow

_HEAD = """# What upstream's refusals mean

Generated from the tables that the bridge judges by (`bridge/sources/<system>/errors.py`);
`mogplex-bridge explain CODE` prints the same. The code decides before the HTTP status: some
classes contradict theirs. A code that is not here goes by its status. "Said by" names the best
source: the vendor's page (seed), newer pages (docs), public code (source).

MIOSA's replies may add `retryable`, which overrides the table except for refused keys,
`no_ready_machine` and `MEMBER_LIMIT_REACHED`. A wait is taken from the header `Retry-After`, else
`retry_after_ms`, else `retry_after` of the body, else it is the one below. `SERVICE_UNAVAILABLE`
of MIOSA is tried up to three times if the reply brings such a hint; a 503 in plain text is a
proxy's and passes.
"""


def page() -> str:
    """The whole document."""
    by_title: dict[str, list[ErrorRow]] = {}
    for title, row in table():
        by_title.setdefault(title, []).append(row)
    parts = [_HEAD]
    for title, rows in by_title.items():
        parts.append("\n".join(_table(title, rows)) + "\n")
    return "\n".join(parts)


def _table(title: str, rows: list[ErrorRow]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield "| Code | HTTP | Meaning | Tried again | Wait | What to do | Said by |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        status = ", ".join(map(str, row.http))
        cells = (f"`{row.code}`", status, row.meaning, RETRY_WORDS[row.retry],
                 WAIT_WORDS[row.wait], row.action, row.source)  # fmt: skip
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(page())
