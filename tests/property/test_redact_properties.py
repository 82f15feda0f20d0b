"""What must hold for any input: idempotence, shape, order, no exception, cost in proportion to size."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.redact import Redactor
from bridge.redact.fold import fold
from bridge.redact.spans import Scan
from tests.corpus.build import cases, texts_in

T = "9eSnDM4nCktogtUd" + "dIcL3VUllFtOIQdS"
OWN = "mo" + "g_" + T

# Pieces that meet in hostile and in ordinary texts alike, so that random ones reach the detectors.
PIECES = [
    "password", "token", "api_key", "secret", "Authorization", "Cookie", "key", "=", ":", " = ", '": "', '\\": \\"', "'", '"', "\\", "\n", " ",
    "Bearer ", "Basic ", "://", "@", "u:p@h", "eyJ", "-----BEGIN ", "PRIVATE" + " KEY-----", "-----END ", "mog_", "gh" + "p_", T, T[:9], OWN, "hunter2x", "${X}", "<x>",
    "[REDACTED:token]", "[REDACTED:", "...", "\n...[truncated 12 chars]", "curl -u ", "mysql -p", "echo ", " | sudo -S", "{", "}", "[", "]", ",", ";", "&", "%3D",
    "\u200b", "：", "пароль", "\ud83d", "123456", '"kty"', "Private-Lines: 2\n", "LS0tLS1CRUdJTi", "is ", "| ", "value", ">", "</password>", "\\u0022", "&quot;",
]  # fmt: skip
texts = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=14).map("".join),
    st.text(alphabet=st.characters(codec=None), max_size=60),
)
names = st.one_of(st.sampled_from(["password", "token", "env", "headers", "name", "value", "key", "argv", "auth", "kty", "d", "id", "n"]), texts)  # fmt: skip
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(names, inner, max_size=5)),
    max_leaves=20,
)


def shape(before: Any, after: Any) -> bool:
    """Same containers of the same sizes in the same order; only strings, names and numbers changed."""
    if isinstance(before, dict):
        return (
            isinstance(after, dict)
            and len(before) == len(after)
            and all(shape(a, b) for a, b in zip(before.values(), after.values(), strict=True))
        )
    if isinstance(before, list):
        return (
            isinstance(after, list)
            and len(before) == len(after)
            and all(shape(a, b) for a, b in zip(before, after, strict=True))
        )
    if before is None or isinstance(before, bool):
        return before is after
    if isinstance(before, str):
        return isinstance(after, str)
    return before == after or (isinstance(after, str) and after.startswith("[REDACTED:"))


@given(values)
def test_any_value_comes_back_in_its_shape_and_stays_as_it_is_then(value: Any) -> None:
    redactor = Redactor()
    once = redactor.value(value)
    assert shape(value, once)
    assert "unscanned" not in redactor.take_counts()  # a detector that broke would hide behind it
    assert redactor.value(once) == once


@given(texts)
def test_a_text_is_the_same_after_the_second_pass(text: str) -> None:
    redactor = Redactor()
    once = redactor.text(text)
    assert redactor.text(once) == once


@given(st.dictionaries(names, values, max_size=5))
def test_what_is_written_as_json_is_still_json(value: dict[str, Any]) -> None:
    """A JSON text inside a string parses after redaction, numbers included."""
    text = json.dumps(value)
    assert isinstance(json.loads(Redactor().text(text)), dict)


@given(st.dictionaries(names, values, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_members_does_not_matter(value: dict[str, Any], draw: Any) -> None:
    keys = list(value)
    draw.shuffle(keys)
    other = {key: value[key] for key in keys}
    assert Redactor().value(value) == Redactor().value(other)


@given(st.dictionaries(st.sampled_from(["a", "b", "note"]), st.integers(), max_size=3), texts)
def test_identity_is_never_touched(payload: dict[str, Any], text: str) -> None:
    event = {"id": text, "type": text, "createdAt": text, "payload": payload}
    result = Redactor().event(event)
    assert (result["id"], result["type"], result["createdAt"]) == (text, text, text)


@given(texts, texts)
def test_an_own_token_never_survives(before: str, after: str) -> None:
    result = Redactor().value([f"{before} {OWN} {after}"])[0]
    assert OWN not in result


def test_two_texts_of_the_corpus_cut_and_joined_are_the_same_after_the_second_pass() -> None:
    draw = random.Random(1)
    pieces = [text for case in cases(9) for text in texts_in(case.event).split("\n")[:-1]]
    redactor = Redactor()
    for _ in range(20_000):
        head, tail = draw.choice(pieces), draw.choice(pieces)
        text = head[: draw.randrange(len(head) + 1)] + draw.choice(["", " ", "\n"])
        once = redactor.text(text + tail[draw.randrange(len(tail) + 1) :])
        assert redactor.text(once) == once


# -- cost ------------------------------------------------------------------------------------------

HOSTILE = {
    "names": "password=", "bare names": "password ", "keys": "key=", "json": '{"password":"', "escaped": '{\\"token\\":\\"', "flags": "--token ", "urls": "https://a:b",
    "at signs": "a@", "schemes": "://", "begin": "-----BEGIN ", "end": "-----END RSA PRIVATE" + " KEY-----", "web tokens": "eyJhbGciOiJI.", "bearer": "Bearer ",
    "prefixes": "xoxb-", "commands": "curl -u ", "mysql": "mysql -p", "reversed": 'if ("x" == ', "tags": "<password>", "brackets": "password[[[[", "parens": "password((((",
    "wide": "ｐａｓｓ：", "split": "p\u200bassword=", "a": "a", "spaces": " ", "backslashes": "\\", "quotes": '"', "b64 lines": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldY\n",
    "pairs": "a=1;", "query": "&token=", "long name": "a_password", "calls": "password(x, ", "typed": "token string = ", "echo": "echo x | ", "marks": "[REDACTED:x] ",
    "hashes": "$2y$10$", "hash": "$6$rounds=5000$a$", "pgpass": ":5432:a:b:", "auth": "AUTH default x1 ", "secrets": "kind: Secret\ndata:\n", "secret data": "kind: Secret\ndata:\n  a: aGVsbG8x\n",
    "typed into": '"#password").fill("', "hmac": 'createHmac("x", ', "list": "tokens:\n  - x1y2z3\n", "leader": "Password.....", "selector": '"#password","text":"', "net user": "net user a ",
    "stored": "secret set -b ", "escaped echo": 'echo \\"x', "numbered": "Key 1: ", "issuers": "heroku_key ", "camel": "aBcD", "plain words": "word ",
    "block begins": "-----BEGIN PRIVATE" + " KEY-----@</", "block ends": "-----END PRIVATE" + " KEY-----x", "strokes": "|token", "rows": "where x = 'api_token' ", "backslashes before an end": "\\" * 1_000 + "-----END PRIVATE" + " KEY-----", "escaped quotes": "\\'\\n",
    "goes on": "password \\\n", "command goes on": "curl -u a:b \\\n ", "cookies": 'cookie="a=b; c=d" ', "logins": "login is a ", "output": '{"a":"b"},',
}  # fmt: skip


def steps(run: Callable[[], object]) -> int:
    """Lines of our own code executed: a clock that the neighbours on this machine cannot move."""
    count = 0

    def local(frame: Any, event: str, _arg: object) -> Any:
        nonlocal count
        count += event == "line"
        return local

    def tracer(frame: Any, event: str, _arg: object) -> Any:
        return local if "redact" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        run()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE.keys())
def test_twice_the_input_costs_at_most_twice_the_steps(piece: str) -> None:
    redactor = Redactor()
    small, large = ((piece * 4000)[:size] for size in (2000, 8000))
    redactor.text(small + " ")  # names are remembered now, and another text
    one, four = steps(lambda: redactor.text(small)), steps(lambda: redactor.text(large))
    assert four <= 4.6 * one + 400


def test_no_value_is_read_far_beyond_its_window() -> None:
    """The regular expressions are C: their cost shows in what is looked at, which is bounded."""
    text = fold("password=" * 2500)
    scan = Scan(text, text.lower())
    scan.budget = 600 + len(text) // 16
    tree = Redactor()._tree
    tree._detect(scan, tree._prefilter.iter(scan.low), ())
    assert scan.effort <= 600 + len(text) // 16 + 16
