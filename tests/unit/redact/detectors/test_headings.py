"""Values that stand below their name, on the lines of a text and of a JSON text inside it."""

from __future__ import annotations

import json

import pytest

from bridge.redact import Redactor
from tests.cases import each_case

P = "Qx7vT2mLw9" + "RbK4"
U = "0b5e7a52-4f1c-4d7e-9a63" + "-2f8c1d9e6b04"

TABLES = [
    (f"| user | password |\n|------|----------|\n| ci | {P} |", P),
    (f"name,role,password\nci,admin,{P}\nbot,reader,{P}", P),
    (f"Username  Password\n--------  --------\nci        {P}\ntotal", P),
    (f"Key                   Value\nsecret_id             {U}\nsecret_id_accessor    x", U),
    (f"# Token\n{P}", P),
    (f"Use the following password to go on:\n\n{P}\n\nThen", P),
    (f"$ op read op://prod/db/password\n{P}\n$ ", P),
    (f">>> os.environ[\"API_KEY\"]\n'{P}'", P),
]


@each_case(("text", "secret"), TABLES)
@each_case("depth", [0, 1, 2])
def test_a_value_below_its_name_goes_in_text_and_in_json(
    text: str, secret: str, depth: int
) -> None:
    for _ in range(depth):
        text = json.dumps({"stdout": text, "n": 1})
    result = Redactor().text(text)
    assert secret not in result
    for _ in range(depth):
        inner = json.loads(result)
        assert inner["n"] == 1
        result = inner["stdout"]


@pytest.mark.parametrize(
    "text",
    [
        "column    | type        | nullable\npassword  | varchar(60) | no\napi_token | char(40) | yes",
        "token    count\nthe      1204\nof       988",
        "NAME              TYPE     DATA\ndb-credentials    Opaque   2",
        "The token was bumped in this commit:\n" + "0123456789abcdef" * 2 + "89abcdef",
        "$ op read op://prod/db/password > file\ndone",
    ],
)
def test_columns_of_other_things_stay(text: str) -> None:
    assert Redactor().text(text) == text
    inner = json.dumps({"stdout": text})
    assert Redactor().text(inner) == inner


@pytest.mark.parametrize(("heading", "row"), [("id,password", "{},{}"), ("id  password", "{}  {}")])
def test_a_long_table_is_read_to_its_end(heading: str, row: str) -> None:
    passwords = [f"Qx7vT2mLw9{number:03}" for number in range(300)]
    lines = [row.format(number, password) for number, password in enumerate(passwords)]
    result = Redactor().text("\n".join([heading, *lines]))
    assert not [password for password in passwords if password in result]
    assert "unscanned" not in result


@pytest.mark.parametrize("head", [" id |             api_key", "  # | api_key"])
def test_a_number_in_the_first_column_is_not_the_number_of_a_line(head: str) -> None:
    keys = ["LKbTU52JIi6kqsVRZfMBRhmYWQniTzWC", "d5qT2MYmAUDjZ9VhTKXuiaBJEEedFG6U"]
    text = f"{head}\n----+---------\n  7 | {keys[0]}\n  9 | {keys[1]}\n(2 rows)"
    result = Redactor().text(text)
    assert not any(key in result for key in keys)
    assert result.endswith("(2 rows)")


def test_a_quoted_name_and_a_quoted_value_beside_it_are_a_pair() -> None:
    for gap in (" ", "\t\t", "      "):
        text = f'"appid" "480"\n"password"{gap}"tlBQcGX8oZzgG4aI"\n'
        assert Redactor().text(text) == text.replace("tlBQcGX8oZzgG4aI", "[REDACTED:password]")
    kept = '"password" "Password"\n"token" "string"\n'
    assert Redactor().text(kept) == kept
