"""What ruff does not check of docstrings: references lead somewhere, errors have a section."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.architecture.tree import Module, modules, parse

# "See `Port.method`": the class's name and the name of a member, perhaps behind a module's.
SEE = re.compile(r"\bSee `(?:[a-z_]+\.)*([A-Z]\w+)(?:\.(\w+))?`")
IN_PROSE = re.compile(r"\bRaises [A-Z]\w*(?:Error|Exception)\b")

Members = dict[str, set[str]]


def members(read: tuple[Module, ...]) -> Members:
    """The names that each class defines itself; classes of one name are put together."""
    found: Members = {}
    for module in read:
        for name, defined in module.outline.members.items():
            found.setdefault(name, set()).update(defined)
    return found


def dead_references(module: Module, known: Members) -> Iterator[str]:
    for text in module.outline.docstrings:
        for found in SEE.finditer(text):
            name, member = found.groups()
            if name not in known or (member is not None and member not in known[name]):
                yield f"{module.name}: {found.group()}"


def errors_in_prose(module: Module) -> Iterator[str]:
    for text in module.outline.docstrings:
        yield from (f"{module.name}: {found}" for found in IN_PROSE.findall(text))


def test_a_reference_in_a_docstring_leads_to_a_class_and_its_member() -> None:
    known = members(modules())
    dead = [fault for module in modules() for fault in dead_references(module, known)]
    assert not dead, "\n".join(dead)


def test_errors_stand_in_a_section_of_their_own() -> None:
    prose = [fault for module in modules() for fault in errors_in_prose(module)]
    assert not prose, "\n".join(prose)


@pytest.mark.parametrize("name", ["Port.gone", "Gone.method", "port.Gone", "sources.port.Port.no"])
def test_a_reference_to_nothing_is_found(name: str) -> None:
    port = parse("a.py", "class Port:\n    def method(self): ...\n    size: int\n")
    good = parse("b.py", '"""See `Port`, or See `port.Port.method` and See `Port.size`."""')
    assert not list(dead_references(good, members((port,))))
    assert list(dead_references(parse("b.py", f'"""See `{name}`."""'), members((port,))))


def test_an_error_in_prose_is_found() -> None:
    assert list(errors_in_prose(parse("a.py", 'def f():\n    """Do it. Raises XError if not."""')))
    section = 'def f():\n    """Do it.\n\n    Raises:\n        XError: It cannot.\n    """'
    assert not list(errors_in_prose(parse("a.py", section)))
