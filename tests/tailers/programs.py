"""Real tailers with the configurations that the project ships, pointed at a test's own places.

Every replacement must find its text: a configuration that has changed is not silently run as it is.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from tests.tailers.parts import ROOT, Arrivals, LokiPort, end

TAILERS = ROOT / "deploy/tailers"
LOGS = "/var/log/mogplex-bridge"
UNPACKED = ROOT / "artefacts/syslog-ng"  # where tests/tailers/unpack-syslog-ng puts it


def find(name: str, cure: str) -> str:
    """The path of a program; in CI it must be there."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{UNPACKED}:/usr/sbin")
    if found is None:
        reason = f"{name} is not here: {cure}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def adapted(name: str, changes: dict[str, str]) -> str:
    """A shipped configuration with some texts replaced, each of which must be in it."""
    text = (TAILERS / name).read_text()
    for old, new in changes.items():
        assert old in text, f"{name}: {old!r} is not in it"
        text = text.replace(old, new)
    return text


class Tailer(Protocol):
    """A program that reads the files and hands the lines on."""

    name: str

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def lines(self) -> list[bytes]: ...

    def close(self) -> None: ...


class _Daemon:
    """A process with a log of its own."""

    name = ""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir()
        self._process: subprocess.Popen[bytes] | None = None

    def _run(self, *command: str) -> None:
        with (self.home / "said").open("ab") as said:
            self._process = subprocess.Popen(
                command, stdout=said, stderr=said, stdin=subprocess.DEVNULL, cwd=self.home
            )

    @property
    def said(self) -> str:
        return (self.home / "said").read_text(errors="replace")

    def stop(self) -> None:
        if self._process is not None:
            assert self._process.poll() is None, f"{self.name} ended by itself: {self.said}"
            end(self._process)
            self._process = None

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)


class Rsyslog(_Daemon):
    """imfile with inotify; the shipped configuration, lines out over TCP."""

    name = "rsyslog"

    def __init__(self, home: Path, logs: Path, pattern: str) -> None:
        super().__init__(home)
        self._program = find("rsyslogd", "apt-get install rsyslog")
        self._port = Arrivals()
        text = adapted(
            "rsyslog.conf",
            {
                f"{LOGS}/events.*.ndjson": f"{logs}/{pattern}",
                "/var/spool/rsyslog": str(home),
                "logs.example.net": "127.0.0.1",
                '"6514"': f'"{self._port.port}"',
            },
        )
        (home / "rsyslog.conf").write_text(text)

    def start(self) -> None:
        home = self.home
        self._run(self._program, "-n", "-i", f"{home}/pid", "-f", f"{home}/rsyslog.conf")

    def lines(self) -> list[bytes]:
        return self._port.lines

    def close(self) -> None:
        self.stop()
        self._port.close()


class SyslogNg(_Daemon):
    """wildcard-file with polling; `pattern` without a star: the file() of the same page."""

    name = "syslog-ng"

    def __init__(self, home: Path, logs: Path, pattern: str) -> None:
        super().__init__(home)
        self._program = find("syslog-ng", f"tests/tailers/unpack-syslog-ng {UNPACKED}")
        self._port = Arrivals()
        changes = {
            LOGS: str(logs),
            "logs.example.net": "127.0.0.1",
            "port(6514)": f"port({self._port.port})",
        }
        text = adapted("syslog-ng.conf", changes)
        if "*" not in pattern:
            start = text.index("    wildcard-file(")
            end_ = text.index("    );", start) + len("    );")
            text = text[:start] + text[end_:].replace("# file(", "file(")
            assert "\n    file(" in text
        (home / "syslog-ng.conf").write_text(text)

    def start(self) -> None:
        home = self.home
        self._run(
            self._program, "-F", "-f", f"{home}/syslog-ng.conf", "-R", f"{home}/persist",
            "-p", f"{home}/pid", "-c", f"{home}/control",
        )  # fmt: skip

    def lines(self) -> list[bytes]:
        return self._port.lines

    def close(self) -> None:
        self.stop()
        self._port.close()


class FluentBit(_Daemon):
    """The tail input; records out to a port that understands Loki's push requests."""

    name = "fluent-bit"

    def __init__(self, home: Path, logs: Path, pattern: str) -> None:
        super().__init__(home)
        self._program = find("fluent-bit", "put one on PATH; Debian 12 has none")
        self.loki = LokiPort()
        changes = {
            LOGS: str(logs),
            "/var/lib/fluent-bit": str(home),
            "loki.example.net": "127.0.0.1",
            "3100": str(self.loki.port),
        }
        text = adapted("fluent-bit.conf", changes)
        if "*" not in pattern:  # as its comments say
            text, dropped = re.subn(r"\n    Path .*", "", text)
            text, put_in = re.subn(r"\n    # ((?:Exclude_)?Path +\S+)", r"\n    \1", text)
            assert (dropped, put_in) == (1, 2)
        (home / "fluent-bit.conf").write_text(text)
        shutil.copy(TAILERS / "fluent-bit-parsers.conf", home)

    def start(self) -> None:
        self._run(self._program, "-c", "fluent-bit.conf")

    def lines(self) -> list[bytes]:
        return self.loki.lines

    def close(self) -> None:
        self.stop()
        self.loki.close()


class Tail(_Daemon):
    """`tail -F` of coreutils; it remembers nothing, so it must not be restarted."""

    name = "tail"

    def __init__(self, home: Path, logs: Path, pattern: str) -> None:
        super().__init__(home)
        self._path = logs / pattern
        self._out = home / "out"

    def start(self) -> None:
        with self._out.open("wb") as out, (self.home / "said").open("ab") as said:
            self._process = subprocess.Popen(
                [find("tail", "apt-get install coreutils"), "-n", "+1", "-F", str(self._path)],
                stdout=out, stderr=said,
            )  # fmt: skip

    def lines(self) -> list[bytes]:
        return self._out.read_bytes().splitlines(keepends=True)

    def close(self) -> None:
        self.stop()


def has_fluent_bit() -> bool:
    """It cannot be installed from Debian 12, PyPI or npm; where somebody has it, it is tested."""
    return shutil.which("fluent-bit") is not None


@contextmanager
def running(
    kinds: Sequence[type[Tailer]], directory: Path, logs: Path, name: str
) -> Iterator[list[Tailer]]:
    """One of each kind, each with a place of its own in `directory`, reading `name` in `logs`."""
    with ExitStack() as stack:
        made: list[Tailer] = []
        for kind in kinds:
            made.append(kind(directory / kind.name, logs, name))
            stack.callback(made[-1].close)
        for tailer in made:
            tailer.start()
        time.sleep(0.5)  # until they watch
        yield made
