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
from bridge.redact import Policy, Redactor

P = "Amber" + "5528x"
OWN = "mo" + "g_" + "9eSnDM4nCktogtUddIcL3VUl"


def run(stdin: bytes, *args: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "bridge", "redact", *args],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, "MOGPLEX_BRIDGE_CONFIG": ""},
    )


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
    assert json.loads(out[7]) == "a \ufffd b"


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
    assert _redacted(Redactor(), 1, None) == b'"[REDACTED:unscanned]"\n'


def test_the_command_takes_its_policy_from_where_it_is_told() -> None:
    asked: list[Path | None] = []

    def policy(config: Path | None) -> Policy:
        asked.append(config)
        return Policy()

    help_text = CliRunner().invoke(make_command(policy), ["--help"]).output
    assert "Examples:" in help_text
    assert asked == []
