"""The rows of the token table by the day they were checked: `make rules-age`."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.redact.detectors.tokens import FORMATS


def ages() -> Iterator[str]:
    """Yield a line per row, the oldest first: day, prefix, issuer, where to look."""
    for form in sorted(FORMATS, key=lambda one: (one.checked, one.prefix)):
        where = form.source if form.source != "-" else "source not noted"
        yield f"{form.checked}  {form.written:<22} {form.issuer} ({where})"


if __name__ == "__main__":
    for line in ages():
        print(line)  # noqa: T201 - a list for stdout
