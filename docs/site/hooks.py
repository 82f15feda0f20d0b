"""What the site adds to docs/: README, changes and HTTP reference, links to files outside of docs/.

MkDocs calls these functions (mkdocs.yml, `hooks`). Nothing is written to docs/.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from links import outside  # MkDocs finds it beside this file
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
OPENAPI = ROOT / "bridge" / "outputs" / "http" / "openapi.json"
METHODS = ("get", "put", "post", "delete")
PAGES = {"README.md": "docs/index.md", "CHANGELOG.md": "docs/changes.md"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made from openapi.json, README.md and CHANGELOG.md."""
    description = json.loads(OPENAPI.read_text(encoding="utf-8"))
    files.append(File.generated(config, "api.md", content=api_page(description)))
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        text = text.replace("](docs/", "](").replace('="docs/images/', '="images/')
        files.append(File.generated(config, page.removeprefix("docs/"), content=text))
    return files


def on_page_markdown(
    markdown: str,
    page: Page,
    config: MkDocsConfig,
    files: Files,  # noqa: ARG001 - MkDocs names them
) -> str:
    """Point links that leave docs/ at the repository; without `repo_url` show the path."""
    return outside(
        markdown,
        f"docs/{page.file.src_uri}",
        lambda path: (ROOT / path).exists(),
        config.repo_url,
        PAGES,
    )


def api_page(description: dict[str, Any]) -> str:
    """The HTTP reference in Markdown, one section a route."""
    lines = [
        "# HTTP API",
        "",
        "For whoever writes a client. The page is made from the description that a bridge serves at"
        " `/openapi.json` (OpenAPI 3.1).",
        "",
        description["info"]["description"],
    ]
    for path, item in description["paths"].items():
        shared = item.get("parameters", [])
        for method in METHODS:
            if method in item:
                lines += ["", *_operation(method, path, item[method], shared, description)]
    return "\n".join(lines) + "\n"


def _operation(
    method: str,
    path: str,
    operation: dict[str, Any],
    shared: list[dict[str, Any]],
    description: dict[str, Any],
) -> list[str]:
    lines = [f"## `{method.upper()} {path}`", "", operation.get("summary", "")]
    if text := operation.get("description"):
        lines += ["", text]
    parameters = [_resolved(p, description) for p in [*shared, *operation.get("parameters", [])]]
    if parameters:
        lines += ["", "| Parameter | In | Meaning |", "|---|---|---|"]
        lines += [
            f"| `{p['name']}` | {p['in']} | {_cell(p.get('description'))} |" for p in parameters
        ]
    lines += ["", "| Status | Reply |", "|---|---|"]
    for status, reply in operation.get("responses", {}).items():
        found = _resolved(reply, description)
        kinds = ", ".join(f"`{kind}`" for kind in found.get("content", {}))
        lines.append(f"| {status} | {_cell(found.get('description'))} {kinds} |")
    return lines


def _resolved(value: dict[str, Any], description: dict[str, Any]) -> dict[str, Any]:
    """Follow a `$ref` within the description."""
    while (reference := value.get("$ref")) is not None:
        found: Any = description
        for part in reference.removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        value = found
    return value


def _cell(text: str | None) -> str:
    return (text or "").replace("\n", " ").replace("|", "\\|")
