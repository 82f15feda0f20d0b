"""`serve` that cannot start: one line that names place and cure, and nothing overwritten."""

from __future__ import annotations

import socket
import sqlite3
from pathlib import Path

import pytest

from tests.e2e.processes import environment, journal, run, serve

pytestmark = pytest.mark.e2e

URL = "http://127.0.0.1:9"


async def refused(*args: str) -> tuple[int, str]:
    code, out, err = await run("serve", *args, env=environment(URL))
    assert out == b""
    assert err.startswith("error: "), err
    assert len(err.strip().splitlines()) == 1, err
    return code, err


async def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, err = await refused("--listen", f"127.0.0.1:{port}", *journal(tmp_path))
    assert code == 78
    assert f"127.0.0.1:{port}" in err
    assert "choose another port" in err


async def test_a_demo_on_a_port_in_use_says_it_in_one_line() -> None:
    """It was a traceback of sixty lines: the error came in a group of them."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        where = "{}:{}".format(*taken.getsockname())
        code, out, err = await run("demo", "--listen", where, env=environment(None))
    assert (code, out) == (78, b"")
    assert err.startswith(f"error: listen: cannot open {where}: another program uses it")
    assert len(err.strip().splitlines()) == 1, err


async def test_an_address_of_others_without_auth(tmp_path: Path) -> None:
    code, err = await refused("--listen", "0.0.0.0:0", *journal(tmp_path))
    assert (code, "[auth]" in err) == (78, True)


async def test_a_place_that_cannot_be_written() -> None:
    code, err = await refused("--listen", "127.0.0.1:0", "--journal", "sqlite:/proc/none/j.db")
    assert (code, "/proc/none/j.db" in err) == (78, True)


async def test_an_output_that_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "no" / "such" / "events.ndjson"
    code, err = await refused("--listen", "127.0.0.1:0", *journal(tmp_path), "--ndjson", str(path))
    assert (code, str(path) in err) == (78, True)


async def test_a_journal_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    code, _, _ = await run(
        "serve", "--listen", "127.0.0.1:0", *journal(tmp_path), "--ndjson", "/nonexistent/x",
        env=environment(URL),
    )  # fmt: skip
    assert code == 78
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 9999")
    db.close()
    before = path.read_bytes()
    code, err = await refused("--listen", "127.0.0.1:0", *journal(tmp_path))
    assert (code, "newer" in err) == (78, True)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"not a database at all" * 400, b"\x00" * 9000])
async def test_a_corrupt_journal_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(content)
    code, err = await refused("--listen", "127.0.0.1:0", *journal(tmp_path))
    assert code == 1
    assert str(path) in err
    assert path.read_bytes() == content


async def test_an_unknown_key_names_the_nearest_one_and_its_line(tmp_path: Path) -> None:
    config = tmp_path / "bridge.toml"
    config.write_text('listen = "127.0.0.1:0"\n[retention]\nagee = "7d"\n')
    code, err = await refused("--config", str(config))
    assert code == 78
    assert err == f"error: {config}:3: unknown key retention.agee; did you mean retention.age?\n"


async def test_a_second_daemon_on_one_journal(tmp_path: Path) -> None:
    async with serve(*journal(tmp_path), env=environment(URL)) as daemon:
        code, err = await refused("--listen", "127.0.0.1:0", *journal(tmp_path))
        assert code == 1
        assert str(daemon.process.pid) in err
