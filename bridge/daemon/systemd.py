"""Reports the daemon's state to systemd: sd_notify(3), one datagram per message.

Without NOTIFY_SOCKET every call does nothing. A supervisor that does not listen must not harm the
daemon: no call raises, and none waits longer than SEND_S.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from typing import Final

from bridge.clock import Clock

SEND_S: Final = 0.25  # longest wait for systemd's queue, which empties within milliseconds
STATUS_S: Final = 5.0  # between status texts; only people read them
STATUS_CHARS_MAX: Final = 200  # one line of `systemctl status`


class Notifier:
    """The connection to the supervisor, if there is one."""

    def __init__(self, address: str | None, *, watchdog_s: float | None = None) -> None:
        """Prepare the connection.

        Args:
            address: As in NOTIFY_SOCKET: a path, or "@" and a name in the abstract namespace.
            watchdog_s: systemd ends the process if it receives nothing for this many seconds.
        """
        is_usable = address is not None and len(address) > 1 and address[0] in "/@"
        self._address = address if is_usable else None  # AF_VSOCK is for virtual machines
        self.watchdog_s = watchdog_s if self._address is not None else None
        self._status = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], *, pid: int | None = None) -> Notifier:
        """Read systemd's variables; WATCHDOG_PID of another process disables the watchdog."""
        watchdog_s: float | None = None
        micro_s = environ.get("WATCHDOG_USEC", "")
        for_pid = environ.get("WATCHDOG_PID") or str(os.getpid() if pid is None else pid)
        is_ours = for_pid == str(os.getpid() if pid is None else pid)
        if is_ours and micro_s.isascii() and micro_s.isdigit() and int(micro_s) > 0:
            watchdog_s = int(micro_s) / 1e6
        return cls(environ.get("NOTIFY_SOCKET") or None, watchdog_s=watchdog_s)

    @property
    def is_heard(self) -> bool:
        """Whether a supervisor listens."""
        return self._address is not None

    def ready(self, status: str) -> None:
        """Report that the bridge serves; also sent at the end of a reload."""
        self._status = _one_line(status)
        self._send(f"READY=1\nSTATUS={self._status}\nMAINPID={os.getpid()}")

    def reloading(self, clock: Clock) -> None:
        """Report that a reload begins; `ready` ends it. The time identifies the reload."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={int(clock.monotonic() * 1e6)}")

    def stopping(self) -> None:
        """Report that the orderly stop has begun."""
        self._send("STOPPING=1\nSTATUS=stopping")

    def status(self, text: str) -> None:
        """Set the text of `systemctl status`; sent only if it changed."""
        text = _one_line(text)
        if text != self._status:
            self._status = text
            self._send(f"STATUS={text}")

    async def run(self, status: Callable[[], str]) -> None:
        """Feed the watchdog and update the status until cancelled.

        This task runs in the loop that does all other work, so a blocked loop sends nothing and
        systemd restarts the service.
        """
        if not self.is_heard:
            return
        every_s = STATUS_S if self.watchdog_s is None else min(STATUS_S, self.watchdog_s / 3)
        while True:
            if self.watchdog_s is not None:
                self._send("WATCHDOG=1")
            self.status(status())
            await asyncio.sleep(every_s)

    def _send(self, text: str) -> None:
        if self._address is None:
            return
        name = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.settimeout(SEND_S)
                out.sendto(text.encode(), name)
        except OSError:
            return  # no supervisor listens, so there is nobody to report this to


def _one_line(text: str) -> str:
    return " ".join(text.split())[:STATUS_CHARS_MAX]
