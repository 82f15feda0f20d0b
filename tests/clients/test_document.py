"""docs/clients.md shows the very files that the other tests here run."""

from __future__ import annotations

import re

from tests.clients.programs import EXAMPLES, ROOT
from tests.clients.readers import PAGES, PROGRAMS

TEXT = (ROOT / "docs/clients.md").read_text()
SHOWN = re.compile(
    r"^From \[`[^`]+`\]\(([^)]+)\):\n\n```[a-z]+\n(.*?)^```$", re.MULTILINE | re.DOTALL
)


def test_each_program_on_the_page_is_the_file_that_is_tested() -> None:
    shown = SHOWN.findall(TEXT)
    assert len(shown) == 2
    for link, code in shown:
        assert code == (ROOT / "docs" / link).read_text(), link


def test_every_example_is_named_on_the_page_and_run_by_a_test() -> None:
    files = {file.name for file in EXAMPLES.iterdir()}
    assert files == {*PROGRAMS, *PAGES}
    for name in files:
        assert f"](examples/{name})" in TEXT, name


def test_blocks_are_either_files_or_one_line() -> None:
    blocks = re.findall(r"^```[a-z]+\n(.*?)^```$", SHOWN.sub("", TEXT), re.MULTILINE | re.DOTALL)
    assert blocks
    assert [block for block in blocks if block.count("\n") > 1] == []


def test_the_picture_in_the_readme_is_there_and_light() -> None:
    picture = ROOT / "docs/images/live-page.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size < 200_000
    assert "docs/images/live-page.png" in (ROOT / "README.md").read_text()
