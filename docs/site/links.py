"""Links of a page that leave docs/: the site does not have their targets. No I/O, no MkDocs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>(?:\.\./)+[^)\s#]+)(?P<anchor>#[^)]*)?\)")


def outside(
    markdown: str,
    page: str,
    is_there: Callable[[str], bool],
    repo_url: str | None,
    pages: dict[str, str],
) -> str:
    """Replace each link out of docs/ by what a reader of the site can use.

    Args:
        markdown: The text of the page.
        page: Its path from the root of the repository, such as `docs/serving.md`.
        is_there: Whether the repository has a path; other links stay, and strict mode reports them.
        repo_url: The address of the repository. With None, the path stands in the text instead.
        pages: Files outside of docs/ that the site has, and the pages of docs/ that they become.
    """
    here = posixpath.dirname(page)

    def replaced(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(here, match["target"]))
        text, anchor = match["text"], match["anchor"] or ""
        if path in pages:
            return f"[{text}]({posixpath.relpath(pages[path], here)}{anchor})"
        is_page = path.startswith("docs/") and not path.startswith("docs/site/")
        if is_page or path.startswith("../") or not is_there(path):
            return match[0]
        if repo_url:
            return f"[{text}]({repo_url.rstrip('/')}/blob/main/{path}{anchor})"
        words = text.replace("`", "").rstrip("/")
        return f"`{path}`" if words in path else f"{text} (`{path}`)"

    return LINK.sub(replaced, markdown)
