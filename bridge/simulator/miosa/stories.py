"""What things emit while they work: made-up events of every kind, repeatable by a seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

Said = tuple[str, Mapping[str, Any] | str]  # name of the event, data

_COMMANDS = ("npm ci", "npm test", "pytest -q", "git status", "cargo build", "ls -la")
_OUTPUT = ("ok", "PASS src/app.test.ts", "3 passed in 0.41s", "compiling app v0.1.0", "done", "ok")


def made_up(kind: str, chance: Random) -> Iterator[Said]:
    """Events of one thing, for ever."""
    return _STORIES[kind](chance)


def _run(chance: Random) -> Iterator[Said]:
    yield "created", {"status": "running", "message": "Run created", "metadata": {}}
    step = 0
    while True:
        step += 1
        yield (
            "assistant.message",
            {"status": "running", "message": f"Step {step}", "metadata": {"step": step}},
        )
        command = chance.choice(_COMMANDS)
        yield "command_started", {"message": command, "metadata": {"command": command}}
        yield "command_finished", {"message": command, "metadata": {"exit_code": 0, "step": step}}


def _sandbox(chance: Random) -> Iterator[Said]:
    yield "sandbox.started", {"sandbox_id": "sb", "region": "fra"}
    number = 0
    while True:
        number += 1
        exec_id = f"ex_{number}"
        command = chance.choice(_COMMANDS)
        yield "sandbox.exec.started", {"exec_id": exec_id, "command": command}
        for _ in range(chance.randint(1, 4)):
            line = chance.choice(_OUTPUT)
            where = "stderr" if chance.random() < 0.2 else "stdout"
            yield f"sandbox.exec.{where}", {"exec_id": exec_id, "line": line}
        code = 1 if chance.random() < 0.1 else 0
        took_ms = chance.randint(40, 9000)
        yield (
            "sandbox.exec.completed",
            {"exec_id": exec_id, "exit_code": code, "duration_ms": took_ms},
        )
        if number == 3:
            url = "https://3000-sb.preview.example"
            yield "sandbox.preview.ready", {"preview_id": "pv_1", "url": url, "port": 3000}


def _computer(chance: Random) -> Iterator[Said]:
    number = 0
    while True:
        number += 1
        name = chance.choice(("window.opened", "file.created", "process.started", "idle.active"))
        yield name, {"number": number}


def _build(chance: Random) -> Iterator[Said]:
    number = 0
    while True:
        number += 1
        if number % 10 == 1:
            yield "build_event", {"state": "building", "step": number // 10 + 1}
        # Lines repeat in real logs; the journal has to keep every one.
        yield "log", {"line": chance.choice((*_OUTPUT, f"layer {number}"))}


def _snapshot(chance: Random) -> Iterator[Said]:
    step = 0
    while True:
        step += 1
        yield (
            "",
            {
                "type": "snapshot_progress",
                "snapshot_id": "snap",
                "status": "uploading" if step > 2 else "creating",
                "progress": min(99, step * chance.randint(1, 3)),
            },
        )


def _deployment(chance: Random) -> Iterator[Said]:
    number = 0
    while True:
        number += 1
        yield "", f"{number:04d} {chance.choice(_OUTPUT)}"


def _tenant(chance: Random) -> Iterator[Said]:
    number = 0
    while True:
        number += 1
        name = chance.choice(
            ("sandbox.created", "sandbox.ready", "computer.running", "deployment.succeeded")
        )
        yield name, {"type": name, "tenant_id": "tenant-1", "number": number}


_STORIES = {
    "run": _run, "sandbox": _sandbox, "computer": _computer, "build": _build,
    "snapshot": _snapshot, "deployment": _deployment, "tenant": _tenant,
}  # fmt: skip
