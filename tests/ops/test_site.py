"""A link out of docs/ leads a reader of the documentation site to the file, or names it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def load() -> Any:
    """The site's environment has MkDocs, this one has not: its hook reads links with this file."""
    spec = importlib.util.spec_from_file_location("links", ROOT / "docs/site/links.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def seen(markdown: str, page: str = "docs/serving.md", repo_url: str | None = None) -> str:
    there = {"deploy/nginx/x.conf", "deploy/ci", "bridge/config/rules.py", "docs/site/hooks.py"}
    pages = {"CHANGELOG.md": "docs/page.md"}
    return str(load().outside(markdown, page, there.__contains__, repo_url, pages))


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("[nginx](../deploy/nginx/x.conf)", "`deploy/nginx/x.conf`"),
        ("[the proxy](../deploy/nginx/x.conf#a)", "the proxy (`deploy/nginx/x.conf`)"),
        ("[`config/rules.py`](../bridge/config/rules.py)", "`bridge/config/rules.py`"),
        ("[deploy/ci](../deploy/ci/)", "`deploy/ci`"),
        ("[`hooks.py`](../docs/site/hooks.py)", "`docs/site/hooks.py`"),
    ],
)
def test_without_a_repository_the_path_stays_visible(markdown: str, shown: str) -> None:
    assert seen(markdown) == shown


def test_with_a_repository_the_link_leads_to_the_file() -> None:
    text = seen(
        "[nginx](../../deploy/nginx/x.conf#a)", "docs/runbooks/README.md", "https://git.example/x/"
    )
    assert text == "[nginx](https://git.example/x/blob/main/deploy/nginx/x.conf#a)"


def test_a_file_that_the_site_has_as_a_page_is_that_page() -> None:
    assert seen("[changes](../CHANGELOG.md)") == "[changes](page.md)"
    assert (
        seen("[changes](../../CHANGELOG.md#a)", "docs/runbooks/README.md")
        == "[changes](../page.md#a)"
    )


@pytest.mark.parametrize(
    "markdown", ["[a](../nowhere.conf)", "[a](clients.md)", "[a](https://e.example/../b)"]
)
def test_other_links_stay(markdown: str) -> None:
    """Those within docs/ work; a broken one is left for the strict mode to report."""
    assert seen(markdown) == markdown


def test_a_link_from_a_subdirectory_to_docs_stays() -> None:
    assert seen("[a](../clients.md)", "docs/runbooks/README.md") == "[a](../clients.md)"
