"""`python -m grafana` writes the dashboards; `--runbooks URL` says where their links lead."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from grafana import delivery, overview, runs, upstream
from grafana.parts import RUNBOOKS

HERE = Path(__file__).parent
BOARDS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "overview": overview.board,
    "runs": runs.board,
    "delivery": delivery.board,
    "upstream": upstream.board,
}


def text(name: str, runbooks: str = RUNBOOKS) -> str:
    """Return the JSON of a dashboard, with a new line at its end."""
    return json.dumps(BOARDS[name](runbooks), indent=1, ensure_ascii=False) + "\n"


def main(args: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m grafana", description=__doc__)
    parser.add_argument("--runbooks", default=RUNBOOKS, metavar="URL", help="default: %(default)s")
    parser.add_argument("--into", default=HERE, type=Path, metavar="DIR", help="default: here")
    options = parser.parse_args(args)
    options.into.mkdir(parents=True, exist_ok=True)
    for name in BOARDS:
        path = options.into / f"{name}.json"
        path.write_text(text(name, options.runbooks.rstrip("/")), encoding="utf-8")


if __name__ == "__main__":
    main()
