"""Lines of keys: held against tomllib, which knows the keys but not the lines."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.config.places import Path, find_places

HARD = '''\
# [not.a] = "table"
title = "a # no comment" # a comment = "x"

[a.b]          # 4
"quoted key" = 1
'lit"eral' = 2
c.d = """
[fake]
x = "\\"""
"""
e = \'\'\'
[[fake]]
\'\'\'\'\'
f = [1, [2,
  3], { g = "}", h = ["]"] },  # ]
  "x",
]
[[t]]
n = 1
[t.sub]
m = 2
[[t]]
n = 3
[[t.deep]]
z = 1979-05-27 07:32:00
[[t.deep]]
z = 0x1F
'''


def test_the_hard_cases() -> None:
    places = find_places(HARD)
    assert places[("title",)] == 2
    assert places[("a", "b")] == 4
    assert places[("a", "b", "quoted key")] == 5
    assert places[("a", "b", 'lit"eral')] == 6
    assert places[("a", "b", "c", "d")] == 7
    assert places[("a", "b", "e")] == 11
    assert places[("a", "b", "f", 1, 1)] == 15
    assert places[("a", "b", "f", 2, "h", 0)] == 15
    assert places[("a", "b", "f", 3)] == 16
    assert places[("t", 0, "n")] == 19
    assert places[("t", 0, "sub", "m")] == 21
    assert places[("t", 1, "n")] == 23
    assert places[("t", 1, "deep", 1, "z")] == 27
    assert not any("fake" in path for path in places)
    assert set(_paths(tomllib.loads(HARD))) <= set(places)


keys = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\x7f\\"),
    min_size=1,
    max_size=6,
)
scalars = st.integers(-99, 99) | st.booleans() | st.text("ab#[]{}=,\"'\n. ", max_size=8)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.slow
@given(st.dictionaries(keys, values, max_size=4), st.dictionaries(keys, values, max_size=3))
def test_every_key_is_placed_on_the_line_it_was_written_on(
    top: dict[str, Any], table: dict[str, Any]
) -> None:
    lines = ["# first"]
    expected: dict[Path, int] = {}
    for key, value in top.items():
        lines.append(f"{json.dumps(key, ensure_ascii=False)} = {_toml(value)}")
        expected[(key,)] = len(lines)
    for index in range(2):
        lines.append('[["the tables"]]')
        for key, value in table.items():
            lines += ["", f"  {json.dumps(key, ensure_ascii=False)}={_toml(value)} # {key}"]
            expected[("the tables", index, key)] = len(lines)
    text = "\n".join(lines)
    if "the tables" in top:
        return
    parsed = tomllib.loads(text)
    places = find_places(text)
    assert set(_paths(parsed)) <= set(places)
    assert {path: places[path] for path in expected} == expected


@example("a = [}")  # looped for ever once
@given(st.text("[]{}=,.\"'#\n\\ ab1", max_size=60))
def test_any_text_ends_the_search(text: str) -> None:
    find_places(text)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        pairs = [f"{json.dumps(k, ensure_ascii=False)} = {_toml(v)}" for k, v in value.items()]
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)


def _paths(value: Any, at: Path = ()) -> list[Path]:
    found = [at] if at else []
    if isinstance(value, dict):
        return found + [p for k, v in value.items() for p in _paths(v, (*at, k))]
    if isinstance(value, list):
        return found + [p for i, v in enumerate(value) for p in _paths(v, (*at, i))]
    return found
