"""What is generated from the settings model: example file, reference page, JSON Schema.

`python -m bridge.config.reference` writes them; a test holds the files against this.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from bridge.config.choices import CHOICES, Choice
from bridge.config.effective import toml_value
from bridge.config.environment import variable_name
from bridge.config.model import Settings
from bridge.config.setting_index import INDEX, Entry, entries
from bridge.systems import systems

SCHEMA_FILE: Final = Path("deploy/bridge.schema.json")
EXAMPLE_FILE: Final = Path("deploy/bridge.example.toml")
REFERENCE_FILE: Final = Path("docs/configuration.md")

# Values worth showing where the default is "nothing" or says little.
_EXAMPLES: Final[dict[str, str]] = {
    "journal": '"sqlite:/var/lib/mogplex-bridge/journal.db"',
    "journal_credentials_file": '"/run/secrets/nats.creds"',
    "accounts[].token_file": '"/run/secrets/mogplex"',
    "accounts[].token_env": '"MOGPLEX_TOKEN"',
    "accounts[].proxy": '"http://proxy.example.com:3128"',
    "accounts[].runs": '["3f0c1c52-8d5e-4c8e-9d0a-2b1f6c7d8e9f"]',
    "redaction.keys": '["x-internal-*"]',
    "redaction.patterns": "['EMP-[0-9]{6}']",
    "redaction.keep": '["payload.tokenizer"]',
    "redaction.fingerprint_key_file": '"/run/secrets/fingerprint-key"',
    "auth.tokens_file": '"/etc/mogplex-bridge/tokens.toml"',
    "tls.certificate_file": '"/etc/mogplex-bridge/fullchain.pem"',
    "tls.key_file": '"/etc/mogplex-bridge/privkey.pem"',
    "server.cors_origins": '["https://dash.example.com"]',
    "server.trusted_proxies": '["127.0.0.1", "10.0.0.0/8"]',
}
_KINDS: Final = {
    "text": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "duration": 'duration ("90s", "7d") or seconds',
    "size": 'size ("100MiB") or bytes',
    "list": "list",
}


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the configuration file, for editors and other checkers."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Settings.model_json_schema(),
        "title": "mogplex-bridge configuration",
    }


def schema_text() -> str:
    """Return the schema as indented JSON, as SCHEMA_FILE holds it."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def example_text() -> str:
    """A configuration file with every key, all of them commented out."""
    lines = [
        "# Every setting of mogplex-bridge; all are optional. Lines that begin with `#` and no",
        "# blank are settings: they show the default, or an example where there is none.",
        "# Check yours with:  mogplex-bridge check --config FILE",
        *_example_table((), header=None),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def reference_text() -> str:
    """The reference page in Markdown."""
    return "\n".join([_INTRODUCTION.strip(), "", *_reference_tables(), ""])


def _members(prefix: tuple[str, ...], of: str | None, choice: Choice | None) -> list[Entry]:
    """Return the keys of a table that has, or belongs to one that has, the kind `of`.

    Where `choice` selects the kind: for the first kind all keys, for another one the keys that it
    adds or changes.
    """
    members = [e for e in entries() if e.path[:-1] == prefix and e.of == of]
    members.sort(key=lambda entry: not entry.field.is_required())
    if choice is None or of == _first(choice):
        return members
    common = choice.base.model_fields
    own = [e for e in members if e.path[-1] not in common or e.field != common[e.path[-1]]]
    named = [e for e in members if e.path[-1] == "name"]  # two accounts have two names
    return [*named, *(e for e in own if e.path[-1] not in ("name", "token_file"))]


def _first(choice: Choice) -> str:
    """The kind that a table is of which does not tell."""
    return next(iter(choice.sections()))


def _example_table(
    prefix: tuple[str, ...], header: str | None, choice: Choice | None = None, of: str | None = None
) -> Iterator[str]:
    members = _members(prefix, of, choice)
    if header:
        yield f"#{header}"
    for entry in members:
        if not entry.section:
            yield from textwrap.wrap(
                _explained(entry), 98, initial_indent="# ", subsequent_indent="# "
            )
            is_other = choice is not None and of != _first(choice)
            value = f'"{of}"' if is_other and entry.path[-1] == "name" else _example_value(entry)
            yield f"#{entry.path[-1]} = {value}"
    for entry in members:
        if entry.section:
            name = ".".join(key for key in entry.path if key != INDEX)
            inner = (*entry.path, INDEX) if entry.kind == "tables" else entry.path
            brackets = f"[[{name}]]" if entry.kind == "tables" else f"[{name}]"
            for kind, text in _sections(entry):
                yield from ("", *textwrap.wrap(f"# {text}", 98))
                yield from _example_table(inner, brackets, _choice(entry), kind)


def _choice(entry: Entry) -> Choice | None:
    """What tells of which kind a table is, where there are several."""
    return CHOICES.get(entry.section)


def _sections(entry: Entry) -> list[tuple[str | None, str]]:
    """Kind and introduction of each section that a table may be."""
    if (choice := _choice(entry)) is None:
        return [(entry.of, _section_text(entry.section))]
    return [(kind, _section_text(section)) for kind, section in choice.sections().items()]


def _example(entry: Entry) -> str | None:
    """A value for the example, where the default says little."""
    given = _EXAMPLES.get(entry.dotted)
    if given is None and entry.field.examples:
        return json.dumps(entry.field.examples[0], ensure_ascii=False)
    return given


def _example_value(entry: Entry) -> str:
    return _example(entry) or toml_value(entry.field.get_default(), entry.kind)


def _explained(entry: Entry) -> str:
    text = entry.field.description or ""
    if entry.choices and len(entry.choices) > 1:
        text += " One of: " + ", ".join(f'"{choice}"' for choice in entry.choices) + "."
    if entry.field.is_required():
        return f"{text} Required."
    if _example(entry) is not None:
        default = entry.field.get_default()
        text += f" Default: {'none' if default in (None, ()) else toml_value(default, entry.kind)}."
    return text


def _section_text(section: type[BaseModel] | None) -> str:
    return " ".join((section.__doc__ or "").split()) if section else ""


def _reference_tables() -> Iterator[str]:
    yield from _reference_table("Top level", "", _members((), None, None))
    told: list[tuple[str, type[BaseModel]]] = []
    for entry in entries():
        if entry.section and (entry.dotted, entry.section) not in told:
            told.append((entry.dotted, entry.section))  # kinds have tables in common
            name = ".".join(key for key in entry.path if key != INDEX)
            array = entry.kind == "tables"
            inner = (*entry.path, INDEX) if array else entry.path
            title = f"`[[{name}]]`" if array else f"`[{name}]`"
            choice = _choice(entry)
            for n, (kind, text) in enumerate(_sections(entry)):
                which = f' of {choice.key} "{kind}"' if n and choice is not None else ""
                members = _members(inner, kind, choice)
                yield from _reference_table(title + which, text, members)


def _reference_table(title: str, text: str, members: list[Entry]) -> Iterator[str]:
    rows = [entry for entry in members if not entry.section]
    yield from (f"## {title}", "")
    if text:
        yield from (text, "")
    if rows:
        yield from ("| Key | Type | Default | Meaning |", "|---|---|---|---|")
        yield from (_row(entry) for entry in rows)
        yield ""


def _row(entry: Entry) -> str:
    kind = _KINDS.get(entry.kind) or " or ".join(f'`"{choice}"`' for choice in entry.choices)
    if entry.field.is_required():
        default = "required"
    else:
        value = entry.field.get_default()
        default = "–" if value in (None, ()) else f"`{toml_value(value, entry.kind)}`"
    meaning = (entry.field.description or "").replace("|", "\\|")
    return f"| `{entry.path[-1]}` | {kind} | {default} | {meaning} |"


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _variables() -> str:
    return "\n".join(
        f"| {known.title} | {_names(known.section.token_variables)} |"
        f" {_names(known.section.base_url_variables)} |"
        for known in systems().values()
    )


_INTRODUCTION = f"""
# Configuration

Generated from the settings model (`make docs`); a test keeps it current.

For operators: look up here each setting with its type, default and meaning.

The bridge reads one TOML file, named with `--config FILE` or `MOGPLEX_BRIDGE_CONFIG`; there is no
default file. Every setting is optional. Precedence: **flag, environment, file, default**.
`mogplex-bridge check` prints the effective settings with the origin of each;
[bridge.example.toml](../deploy/bridge.example.toml) is a file with every key, and
[bridge.schema.json](../deploy/bridge.schema.json) lets an editor complete and check yours.

An unknown key, a wrong type or a value out of range ends the program with exit code 78 and one line
that names file, line, key and the allowed values. Relative paths are relative to the working
directory; `~` is the home directory in `journal`, `path` and `token_file`.

**Changes** take effect after a restart, or after SIGHUP:
[what a reload takes over](operations.md#reloading).

**Environment.** Every key has a variable: `MOGPLEX_BRIDGE_` and the key in capitals, `__` between
table and key: `{variable_name(("listen",))}`, `{variable_name(("retention", "age"))}`. Members of
`[[accounts]]` and `[[outputs]]` are counted from 0:
`{variable_name(("accounts", "*", "token_file"))}`. Lists are TOML (`["a", "b"]`) or separated by
commas. An empty variable counts as unset; one that names no setting is an error, except those
that Kubernetes sets for a Service of this name (`MOGPLEX_BRIDGE_SERVICE_HOST`,
`MOGPLEX_BRIDGE_PORT_…`).

**The default account** of each system is the one named `default`, else the first. It also uses the
vendor's variables. Its token: `--token-file`, else its `MOGPLEX_BRIDGE_ACCOUNTS__…` variable, else
the first of the vendor's that is set, else the file. Its base URL: `--base-url`, else its
`MOGPLEX_BRIDGE_ACCOUNTS__…` variable, else the vendor's, else the file. A token cannot be given on
the command line, where every user of the machine could read it.

| System | Token | Base URL |
|---|---|---|
{_variables()}

**The journal** is `journal.db` in the state directory unless `journal` says otherwise: systemd's
`$STATE_DIRECTORY`, else `$XDG_STATE_HOME/mogplex-bridge`, else `~/.local/state/mogplex-bridge`.
"""


def main() -> None:
    """Write all three files, from the root of the project."""
    for file, text in (
        (SCHEMA_FILE, schema_text()),
        (EXAMPLE_FILE, example_text()),
        (REFERENCE_FILE, reference_text()),
    ):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
