"""Lists of run ids: lines, files that grow, pipes."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from bridge.core.errors import ConfigError
from bridge.daemon import run_lists as runlist

ID = "3f0c1c52-8d5e-4c8e-9d0a-2b1f6c7d8e9f"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runlist, "LOOK_S", 0.02)


@pytest.mark.parametrize(
    ("line", "text"),
    [("", None), ("  ", None), ("# x", None), (f" {ID}\r", ID), (f'{{"runId":"{ID}"}}', ID)],
)
def test_a_line_is_an_id_an_object_or_nothing(line: str, text: str | None) -> None:
    assert runlist.to_run_text(line) == text


@pytest.mark.parametrize("line", ["{", '{"id":"x"}', '{"runId":5}'])
def test_an_object_without_a_run_id_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|runId"):
        runlist.to_run_text(line)


TICK_S = 0.02  # more than the clock of file systems needs to move on


async def collect(
    name: str, count: int, found: list[tuple[int, str]] | None = None
) -> list[tuple[int, str]]:
    found = [] if found is None else found
    async with asyncio.timeout(30):
        async for item in runlist.watch(name):
            found.append(item)
            if len(found) == count:
                break
    return found


async def read(found: list[tuple[int, str]], count: int) -> None:
    """Wait until so many lines were read, and for the time of the next change to be another."""
    async with asyncio.timeout(30):
        while len(found) < count:
            await asyncio.sleep(0.005)
    await asyncio.sleep(TICK_S)


async def test_a_file_is_read_and_what_is_added_later(tmp_path: Path) -> None:
    path = tmp_path / "runs"
    path.write_text("a\nb")  # no line end: an editor that leaves it out
    found: list[tuple[int, str]] = []
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(collect(str(path), 4, found))
        await read(found, 2)
        with path.open("a") as file:
            file.write("\nc\n")
    assert reading.result() == [(1, "a"), (2, "b"), (2, "b"), (3, "c")]


async def test_a_replaced_file_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "runs"
    path.write_text("a\nb\n")
    found: list[tuple[int, str]] = []
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(collect(str(path), 3, found))
        await read(found, 2)
        (tmp_path / "new").write_text("c\n")
        (tmp_path / "new").replace(path)
    assert reading.result() == [(1, "a"), (2, "b"), (1, "c")]


@pytest.mark.parametrize("text", ["c\nd\n", "c\nd\ne\n", "c\n"], ids=["same", "more", "less"])
@pytest.mark.parametrize("anew", [False, True])
async def test_a_file_rewritten_in_place_is_read_again(
    tmp_path: Path, text: str, anew: bool
) -> None:
    """Same size or greater, same inode: only its bytes tell. Made anew, the inode may come back."""
    path = tmp_path / "runs"
    path.write_text("a\nb\n")
    lines = text.split()
    found: list[tuple[int, str]] = []
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(collect(str(path), 2 + len(lines), found))
        await read(found, 2)
        if anew:
            path.unlink()
        path.write_text(text)
    assert [line for _, line in reading.result()] == ["a", "b", *lines]


async def test_a_file_rewritten_with_the_time_it_had_is_read_again(tmp_path: Path) -> None:
    """`rsync -t --inplace`: size, inode and time of modification are those of before."""
    path = tmp_path / "runs"
    path.write_text("a\n")
    before = path.stat()
    found: list[tuple[int, str]] = []
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(collect(str(path), 2, found))
        await read(found, 1)
        path.write_text("b\n")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [line for _, line in reading.result()] == ["a", "b"]


async def test_a_byte_order_mark_spoils_no_line(tmp_path: Path) -> None:
    path = tmp_path / "runs"
    path.write_bytes(b"\xef\xbb\xbfa\nb\n")
    assert await collect(str(path), 2) == [(1, "a"), (2, "b")]
    assert runlist.read_now(str(path)) == [(1, "a"), (2, "b")]


@pytest.mark.slow
async def test_a_named_pipe_does_not_stop_the_loop(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(collect(str(path), 3))
        await asyncio.sleep(0.1)  # nobody writes yet, and the loop turns
        for text in ("a\nb\n", "c\n"):
            writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            os.write(writer, text.encode())
            os.close(writer)
            await asyncio.sleep(0.05)
    assert reading.result() == [(1, "a"), (2, "b"), (3, "c")]


async def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        await collect(str(tmp_path / "none"), 1)
