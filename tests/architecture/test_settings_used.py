"""No setting changes nothing: the files that wire things up read every one of them."""

from __future__ import annotations

import ast
from functools import cache

from bridge.config.setting_index import INDEX, entries
from bridge.daemon.reload import AT_START
from tests.architecture.tree import Module, modules, parse

# Who turns settings into constructor arguments; in `config` itself tokens and URLs are resolved.
# What a system adds to an account is read by its wing.
OF_ACCOUNTS = {"config/accounts.py", "schema/upstream.py", "sources/"}
# What a kind of output adds is read by its section, which makes the target.
OF_OUTPUTS = {"outputs/sinks/ndjson.py"}
WIRING = {*OF_ACCOUNTS, *OF_OUTPUTS, "daemon/", "cli/serve.py"}
# What a reload goes through, and what is read from the settings of that moment.
READ_WHEN_NEEDED = {"limits.drain"}
RELOADED = {
    *OF_ACCOUNTS,
    *OF_OUTPUTS,
    "daemon/accounts.py",
    "daemon/build.py",
    "daemon/listed.py",
    "daemon/reload.py",
    "daemon/serving.py",
    "daemon/sinks.py",
}
READ_BY_THE_MODEL = {"name": "labels", "type": "tells the section", "system": "the same"}


@cache
def chains(module: Module) -> set[str]:
    """Attribute chains as written, from the second name on: `settings.log.level` -> `log.level`."""
    found = set()
    for node in ast.walk(ast.parse(module.text)):
        if isinstance(node, ast.Attribute):
            names = [node.attr]
            inner = node.value
            while isinstance(inner, ast.Attribute):
                names.append(inner.attr)
                inner = inner.value
            if isinstance(inner, ast.Name):
                names.append(inner.id)
            found.add(".".join(reversed(names)))
    return found


def unread(sources: list[Module]) -> list[str]:
    """Settings that no chain of these modules reads as `<table>.<key>`.

    `settings.<key>` counts too: a function that gets one table calls it so.
    """
    written = {
        tuple(name.lstrip("_") for name in chain.split(".")[-2:])
        for module in sources
        for chain in chains(module)
    }
    missing = []
    for entry in entries():
        if entry.section or entry.path[-1] in READ_BY_THE_MODEL:
            continue
        tables = [key for key in entry.path[:-1] if key != INDEX]
        owners = {tables[-1], tables[-1].removesuffix("s"), "settings"} if tables else {"settings"}
        if entry.of is not None:
            owners |= {"self", "new"}  # of the section itself, and of a source that takes it over
        keys = (entry.path[-1], f"{entry.path[-1]}_address")
        if not any((owner, key) in written for owner in owners for key in keys):
            missing.append(entry.dotted)
    return missing


def wiring() -> list[Module]:
    return [m for m in modules() if _is_one_of(m, WIRING)]


def _is_one_of(module: Module, names: set[str]) -> bool:
    return any(module.name == n or (n[-1] == "/" and module.name.startswith(n)) for n in names)


def test_every_setting_is_read_by_who_wires_things_up() -> None:
    assert unread(wiring()) == []


def test_every_setting_is_taken_over_by_a_reload_or_told_to_need_a_restart() -> None:
    reached = [m for m in modules() if _is_one_of(m, RELOADED)]
    assert set(unread(reached)) == {*AT_START, *READ_WHEN_NEEDED}


def test_a_setting_that_nobody_reads_is_seen() -> None:
    assert "retention.age" in unread([parse("daemon/app.py", "settings.retention.bytes")])
    assert "retention.age" in unread([parse("daemon/app.py", "x.age, account.age")])
    assert "retention.age" not in unread([parse("daemon/app.py", "settings.retention.age")])
    assert "accounts[].reserve" not in unread([parse("daemon/app.py", "account.reserve")])
