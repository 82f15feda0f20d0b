"""What `explain` says, and that the page says the same."""

from __future__ import annotations

from pathlib import Path

import pytest

import bridge
from bridge.cli import run
from bridge.cli.error_page import page
from bridge.cli.explain import table
from bridge.sources.mogplex.api import MogplexApi
from tests.cases import each_case

PAGE = Path(bridge.__file__).parents[1] / "docs" / "errors.md"


def said(capfd: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = run(["explain", *args])
    out, err = capfd.readouterr()
    return code, out, err


def test_a_code_is_explained_for_every_system_that_knows_it(
    capfd: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = said(capfd, "service-unavailable")
    assert code == 0
    assert "Mogplex SERVICE_UNAVAILABLE (HTTP 503)" in out
    assert "MIOSA SERVICE_UNAVAILABLE (HTTP 503)" in out
    assert "contact the vendor's support" in out
    assert "yes, automatically" in out


@each_case("row", [row for _, row in table()], ids=lambda row: row.word)
def test_every_row_can_be_asked_for(row: object, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capfd, row.code)  # type: ignore[attr-defined]
    assert code == 0
    assert row.action in out  # type: ignore[attr-defined]


def test_a_status_shows_all_of_its_codes(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capfd, "402")
    assert code == 0
    assert "INSUFFICIENT_CREDITS" in out
    assert "until you act" in out


def test_an_unknown_code_names_the_nearest(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capfd, "SANDBOX_NOT_RUNING")
    assert (code, out) == (1, "")
    assert "SANDBOX_NOT_RUNNING" in err
    assert said(capfd, "418")[0] == 1
    assert "three digits" in said(capfd, "9999")[2]
    assert "no such status" in said(capfd, "999")[2]


def test_the_page_is_what_the_tables_say() -> None:
    assert PAGE.read_text() == page(), "run make docs"


def test_mogplex_is_judged_by_its_rows() -> None:
    rows = {row.code: row for title, row in table() if title == "Mogplex"}
    for code, row in rows.items():
        body = {"ok": False, "error": {"code": code, "message": "x"}}
        api = MogplexApi(None, lambda text: text)  # type: ignore[arg-type]
        failure = api.classify("runs.get", row.http[0], {}, body)
        assert (failure.code, failure.retry) == (code, row.retry)
