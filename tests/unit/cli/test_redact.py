"""`mogplex-bridge redact` as others use it: through pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli.redact import LINE_BYTES_MAX, _chunks_of_lines, _redacted, make_command
from bridge.redact import Memory, Policy, Redactor

P = "Amber" + "5528x"
REDACTOR = Redactor()
OWN = "mo" + "g_" + "9eSnDM4nCktogtUddIcL3VUl"


def through(line: str) -> str:
    """The line as the filter writes it."""
    out = _redacted(REDACTOR, 1, line.encode("utf-8", "surrogatepass"), Memory())
    return out.removesuffix(b"\n").decode("utf-8")


def run(stdin: bytes, *args: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "bridge", "redact", *args],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, "MOGPLEX_BRIDGE_CONFIG": ""},
    )


@pytest.mark.slow
def test_json_lines_stay_json_and_other_lines_stay_text() -> None:
    big = 12345678901234567890123
    lines = [
        json.dumps({"password": P, "n": big}).encode(), f"export TOKEN={OWN}".encode(), b"", b"\xff caf\xe9 ok",
        b'{"cut": "password=' + P.encode(), b'"' + OWN.encode() + b'"', b"42", json.dumps("a \ud83d b").encode(),
    ]  # fmt: skip
    done = run(b"\n".join(lines))
    out = done.stdout.split(b"\n")
    assert done.returncode == 0
    assert done.stderr == b""
    assert json.loads(out[0]) == {"password": "[REDACTED:password]", "n": big}
    assert out[1] == b"export TOKEN=[REDACTED:token]"
    assert out[2:4] == [b"", b"\xff caf\xe9 ok"]
    assert P.encode() not in out[4]
    assert out[5:7] == [b'"[REDACTED:token]"', b"42"]
    assert out[7] == lines[7]


UNTOUCHED = [
    '{"n":1e400,"m":1.10,"k":-0.0,"e":1E+2}', '{"a":1,"a":2}', '{"n":123456789012345678901234567890}', ' { "a" : [ 1 , 2.50 ] }  ', '{"s":"\\u0041\\/\\ud83d"}', '[]', '{}', '1e400', '-1.0', 'null',
    '{"a":{"b":1,"b":{"c":1.0}},"a":[]}', '"\\ud83d"', '{"a":"b\u2028c"}', '{"' + "n" * 300 + '":1.10}',
]  # fmt: skip


@pytest.mark.parametrize("line", UNTOUCHED)
def test_a_line_without_a_secret_keeps_its_bytes(line: str) -> None:
    assert through(line) == line


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"n":1e400, "password":"%s", "m":1.10}', '{"n":1e400, "password":"[REDACTED:password]", "m":1.10}'),
        ('{"password":"%s","password":"x1y2z3w4"}', '{"password":"[REDACTED:password]","password":"[REDACTED:password]"}'),
        ('{"a":1,"a":{"token":"%s"},"a":3.0}', '{"a":1,"a":{"token":"[REDACTED:token]"},"a":3.0}'),
        ('{"big":123456789012345678901234567890,"b":[{"pin":"4821"},1e999]}', '{"big":123456789012345678901234567890,"b":[{"pin":"[REDACTED:otp]"},1e999]}'),
        ('{"pin":482913,"n":1.0}', '{"pin":"[REDACTED:otp]","n":1.0}'),
        ('{"t":"{\\"password\\": 482913, \\"n\\": 1.10, \\"n\\": 1e400}"}', '{"t":"{\\"password\\": \\"[REDACTED:password]\\", \\"n\\": 1.10, \\"n\\": 1e400}"}'),
        ('{"ghp_%s":1.10}', None),
    ],
)  # fmt: skip
def test_beside_a_secret_every_byte_stays(line: str, expected: str | None) -> None:
    if expected is None:
        line, expected = line % ("a1B2c3D4" * 5), '{"[REDACTED:token]":1.10}'
    else:
        line = line.replace("%s", P)
    assert through(line) == expected
    assert through(expected) == expected


@pytest.mark.parametrize(
    "line",
    ["{" * 5000, "[" * 250 + "]" * 250, '{"a":' * 300 + "1" + "}" * 300, '{"a":1,' * 3, '{"x":' + "9" * 5000 + "}", '{"a":1,"a":' * 40 + "1" + "}" * 40,
     '{' + ",".join('"a":1' for _ in range(50)) + "}", "\x00\x01", '"\\x"', '{"a":NaN}'],
)  # fmt: skip
def test_no_line_ends_the_filter(line: str) -> None:
    assert through(line) == line


def test_a_line_that_breaks_the_redactor_is_replaced_whole() -> None:
    class Broken(Redactor):
        def value(self, obj: object, memory: Memory | None = None) -> object:
            raise ZeroDivisionError

    assert _redacted(Broken(), 1, b'{"a":1}', Memory()) == b'"[REDACTED:unscanned]"\n'


def test_what_a_command_printed_is_judged_with_it_in_a_later_line() -> None:
    memory, redactor = Memory(), Redactor()
    lines = [
        {"payload": {"toolCallId": "c1", "input": {"command": "pass show db"}}},
        {"payload": {"toolCallId": "c1", "output": P}},
    ]
    out = [_redacted(redactor, 1, json.dumps(line).encode(), memory) for line in lines]
    assert P.encode() not in out[1]


@pytest.mark.slow
def test_explain_tells_the_place_and_not_the_secret() -> None:
    done = run(
        b'{"a":{"password":"' + P.encode() + b'"}}\nTOKEN=' + OWN.encode() + b"\n", "--explain"
    )
    assert done.stdout == b"1\ta.password\t0\tkey-name\tpassword\n2\t.\t6\tassignment\ttoken\n"
    assert done.stderr == b""


@pytest.mark.slow
def test_the_policy_of_a_configuration_file_is_applied(tmp_path: Path) -> None:
    config = tmp_path / "bridge.toml"
    config.write_text('[redaction]\nkeys = ["x-internal-*"]\n')
    done = run(b'{"xInternalRef":"abc"}\n', "--config", str(config))
    assert done.stdout == b'{"xInternalRef":"[REDACTED:secret]"}\n'


def test_a_line_is_out_before_the_next_is_there() -> None:
    reader, writer = os.pipe()
    chunks = _chunks_of_lines(reader)
    os.write(writer, b"one\ntw")
    assert next(chunks) == [b"one"]
    os.write(writer, b"o\nthree")
    assert next(chunks) == [b"two"]
    os.close(writer)
    assert list(chunks) == [[b"three"]]
    os.close(reader)


def test_a_line_beyond_the_limit_is_replaced_whole_and_the_next_is_read() -> None:
    reader, writer = os.pipe()
    seen: list[bytes | None] = []
    chunks = _chunks_of_lines(reader)
    piece = b"x" * 32_768
    for _ in range(LINE_BYTES_MAX // len(piece) + 2):
        os.write(writer, piece)
        seen += next(chunks)
    os.write(writer, b"tail\nnext\n")
    os.close(writer)
    for lines in chunks:
        seen += lines
    os.close(reader)
    assert seen == [None, b"next"]
    assert _redacted(Redactor(), 1, None, Memory()) == b'"[REDACTED:unscanned]"\n'


def test_the_command_takes_its_policy_from_where_it_is_told() -> None:
    asked: list[Path | None] = []

    def policy(config: Path | None) -> Policy:
        asked.append(config)
        return Policy()

    help_text = CliRunner().invoke(make_command(policy), ["--help"]).output
    assert "Examples:" in help_text
    assert asked == []
