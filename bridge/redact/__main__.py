"""Prints the reference page of the rules: `python -m bridge.redact > docs/redaction-rules.md`."""

from __future__ import annotations

from bridge.redact.reference import page

print(page(), end="")  # noqa: T201 - a page for stdout
