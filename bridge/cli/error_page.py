"""Generates docs/errors.md from the systems' tables: `python -m bridge.cli.error_page`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from bridge.cli.explain import RETRY_WORDS, table
from bridge.core.error_table import WAIT_WORDS, ErrorRow

_HEAD = """# Error codes of upstream

For operators: look up here what an error code means, whether the bridge retries, and what you can
do. `mogplex-bridge explain CODE` prints the same. The page is generated from the tables that the
bridge uses (`bridge/sources/<system>/errors.py`). The code overrides the HTTP status; an unlisted
code is classified by its status. "Source" is the best one known: the vendor's page (seed),
newer pages (docs), public code (source), or inferred.

MIOSA's replies may add `retryable`, which overrides the table except for refused keys,
`no_ready_machine` and `MEMBER_LIMIT_REACHED`. The wait comes from the header `Retry-After`, else
`retry_after_ms`, else `retry_after` of the body, else from the table. The bridge tries
`SERVICE_UNAVAILABLE` of MIOSA up to three times if the reply has such a hint; a 503 in plain text
comes from a proxy and is temporary.
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
    yield "| Code | HTTP | Meaning | Retried | Wait | What to do | Source |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        status = ", ".join(map(str, row.http))
        cells = (f"`{row.code}`", status, row.meaning, RETRY_WORDS[row.retry],
                 WAIT_WORDS[row.wait], row.action, row.source)  # fmt: skip
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(page())
