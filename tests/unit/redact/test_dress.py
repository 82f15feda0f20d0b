"""Taking the dress off: what is left, and where it stood."""

from __future__ import annotations

import pytest

from bridge.redact import Redactor
from bridge.redact.dress import Edit, joined, undressed, viewed
from bridge.redact.literals import literals
from tests.cases import each_case

T = "9eSnDM4nCktogtUd" + "dIcL3VUllFtOIQdS"


def bare(text: str) -> str:
    views = undressed(text)
    return views[-1].text if views else text


@each_case(
    ("dressed", "left"),
    [
        ("\x1b[1;32mok\x1b[0m", "ok"), ("a\x9b31mb", "ab"), ("^[[33mx^[[0m", "x"), ("\\x1b[31mx\\x1b[0m", "x"), ("\\u001b[2Kx", "x"), ("\\033[0;1mx", "x"),
        ("\x1b]8;;https://e.com\x07here\x1b]8;;\x07", " https://e.com\x07here \x07"), ("\x1b(Bx", "x"),
        ("     7\tx: y", "x: y"), ("7:x: y", "x: y"), ("  7→  x", "  x"), ("  7 │ x", "x"), ("a/b.yml:7:x", "x"), (".env:3:X=1", "X=1"), ("HEAD:b.yml:7:x", "x"), ("b.yml-8-x", "x"),
        ("api-1  | x", "x"), ("2026-08-03T15:00:33.1Z x", "x"), ("2026-08-03T15:00:33.1Z stdout F x", "x"), ("2026-08-03 15:00:33,123 x", "x"), ("[15:00:33] x", "x"),
        ("Aug  3 15:00:33 web app[412]: x", "x"), ("job\tstep\t2026-08-03T15:00:33.1Z x", "x"), ("#12 0.345 x", "x"), ("> > x", "x"), ("[pod/a-1/api] x", "x"),
        ("7-x\n8:y\n9-z\n--\n41:a", "x\ny\nz\n--\na"), ("7-x\n9-y", "7-x\n9-y"),
        ("+x: y\n+z: 1", "x: y\nz: 1"), ("-x: y\n-z: 1", "x: y\nz: 1"), ("@@ -1 +1 @@\n x\n+y\n-z", "@@ -1 +1 @@\nx\ny\nz"),
    ],
)  # fmt: skip
def test_what_is_left_is_the_text_itself(dressed: str, left: str) -> None:
    assert bare(dressed) == left


@pytest.mark.parametrize(
    "text",
    [
        "db.internal:5432:shop:app:x", "- name: a\n- name: b", "--flag x", "-----BEGIN X-----", "| a | b |", "a: b", "  a: b", "https://e.com:8443/x", "password: x", "see 12 of 14",
        "[section]", "name | value", "# comment",
    ],
)  # fmt: skip
def test_what_is_no_dress_stays_on(text: str) -> None:
    assert bare(text) == text


def test_a_view_knows_where_its_characters_stood() -> None:
    view = viewed("ab\\ncd--ef", [Edit(2, 4, "\n"), Edit(6, 8)])
    assert view is not None
    assert view.text == "ab\ncdef"
    assert view.back(0, 2) == (0, 2)
    assert view.back(2, 3) == (2, 4)  # a character that stands for two
    assert view.back(3, 5) == (4, 6)  # without the dress behind it
    assert view.back(5, 7) == (8, 10)
    assert view.back(1, 6) == (1, 9)


def test_a_color_inside_of_a_secret_goes_with_it_and_one_around_it_stays() -> None:
    token = "gh" + "p_" + T + "Zz19"
    result = Redactor().text(f"\x1b[32m{token[:9]}\x1b[1m{token[9:]}\x1b[0m done")
    assert result == "\x1b[32m[REDACTED:token]\x1b[0m done"


def test_a_literal_says_what_it_stands_for() -> None:
    (one,) = literals(r'x = "a\nb\u00e9\ud83d\ude00 \"c\" tail"')
    assert one.said() == 'a\nbé😀 "c" tail'
    view = one.view()
    assert view is not None
    assert view.text == one.said()


def test_a_bare_number_in_a_json_text_inside_of_another_stays_one() -> None:
    import json  # noqa: PLC0415

    inner = json.dumps({"a": "1\n2", "password": 482913}, indent=1)
    outer = json.dumps({"content": inner})
    result = json.loads(json.loads(Redactor().text(outer))["content"])
    assert result["password"] == "[REDACTED:password]"


@each_case(
    "around",
    [
        "\x9b {}",
        "\x9b{}",
        "\x1b[{}",
        "x \x1b[1;{} y",
        "\\x1b[{}",
        "^[[{}",
        "\x1b]8;{};http://x\x07y",
        "{}:12: foo\n{}:13: bar",
        "a\n{}:1: foo",
        "{}  | a\n{}  | b",
    ],
)
@each_case("token", ["mo" + "g_" + T, "gh" + "p_" + T + "a7Qx"])
def test_what_looks_like_dress_never_hides_a_token(around: str, token: str) -> None:
    """The last letter of an escape may be the first of a token, a file's name a whole one."""
    assert token[1:] not in Redactor().text(around.replace("{}", token))


@pytest.mark.parametrize("text", ["\x1b[password: hunter2Wx9", "\x1b[secret_key=hunter2Wx9"])
def test_a_letter_that_no_terminal_knows_belongs_to_the_name_behind_it(text: str) -> None:
    assert "hunter2Wx9" not in Redactor().text(text)


@each_case(
    ("text", "one"),
    [
        ("curl \\\n  -u x", "curl -u x"), ("curl\\\n  -u x", "curl -u x"), ("curl \\\r\n\t-u x", "curl -u x"), ("to\\\nken", "to ken"),
        ("a `\n  -b ^\n  -c", "a -b -c"), ("\\\n  a", "a"),
    ],
)  # fmt: skip
def test_a_line_that_goes_on_below_is_one_line(text: str, one: str) -> None:
    view = joined(text)
    assert view is not None
    assert view.text == one


@each_case(
    "text", ["a\nb", "a \\", "```\na\n```\nb", "`a`\n  b", "a \\\\\nb", "x^\n  2", "a `\nb"]
)  # fmt: skip
def test_a_mark_at_the_end_of_a_line_that_is_no_break_stays(text: str) -> None:
    assert joined(text) is None
