"""`follow --url`: prints the records of a running bridge, without requests upstream."""

from __future__ import annotations

import http.client
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from bridge.cli.bridge_url import BridgeUrl, connect, read_token, split_bridge_url
from bridge.cli.streams import write_stdout
from bridge.cli.telling import Manner, Telling
from bridge.clock import SystemClock
from bridge.core.backoff import Backoff
from bridge.core.errors import Failure, Retry, SourceFailedError
from bridge.outputs.story.printer import Seen
from bridge.wire.jsontext import loads

SILENCE_S: Final = 45.0  # a bridge sends a heartbeat every 15 s; after this, reconnect
CONNECT_S: Final = 5.0
RUN_WAIT_S: Final = 30.0  # wait for a run that the bridge does not know yet
TICK_S: Final = 0.25
BATCH: Final = 500  # records per write
LINE_BYTES_MAX: Final = 8 * 1024 * 1024  # records are 4 MiB at most
GIVE_UP_AFTER: Final = 5  # failed connections in a row before the first answer


class NoBridgeError(SourceFailedError):
    """No bridge answers at the address; the text is a complete sentence."""

    def __str__(self) -> str:
        return self.failure.message


@dataclass(frozen=True, slots=True)
class Tail:
    """What to print, and from which bridge."""

    url: str
    token_file: Path | None = None
    run_ids: Sequence[str] = ()
    tail: int | None = None
    timeout_s: float | None = None
    is_quiet: bool = False  # do not report lost connections


@dataclass(slots=True)
class TailOutcome:
    """The result, in the form of `daemon.once.Outcome`."""

    failures: Mapping[str, Failure] = field(default_factory=dict)
    timed_out: bool = False


def tail_bridge(wish: Tail, manner: Manner) -> tuple[TailOutcome, Telling]:
    """Print a bridge's records until all given runs have ended; without runs, for ever.

    Args:
        wish: What to print, and from which bridge.
        manner: How to print it.

    Raises:
        NoBridgeError: No bridge answers at the address, or it does not know a run.
        click.UsageError: The URL or the token file is wrong.
    """
    place, token = split_bridge_url(wish.url), read_token(wish.token_file)
    clock = SystemClock()
    telling = Telling(manner, wish.run_ids, redact=lambda text: text, wall=clock.wall)
    client = _Client(place, token)
    begun = clock.monotonic()
    for run_id in wish.run_ids:
        client.wait_for_run(run_id, clock, telling)
    lines: queue.Queue[bytes | BaseException] = queue.Queue(maxsize=1000)
    reader = threading.Thread(target=_read, args=(client, wish, lines, telling), daemon=True)
    reader.start()
    outcome = TailOutcome()
    while not (wish.run_ids and all(tale.is_over for tale in telling.tales.all)):
        now = clock.monotonic()
        if wish.timeout_s is not None and now - begun > wish.timeout_s:
            outcome.timed_out = True
            break
        batch = _some(lines)
        text = telling.take(batch, now) if batch else b""
        text += telling.tick(clock.monotonic())
        if text:
            write_stdout(text)
    if text := telling.end(clock.monotonic()):
        write_stdout(text)
    return outcome, telling


def _some(lines: queue.Queue[bytes | BaseException]) -> list[Seen]:
    """The records received so far; waits a moment for the first."""
    found: list[Seen] = []
    try:
        while len(found) < BATCH:
            item = lines.get_nowait() if found else lines.get(timeout=TICK_S)
            if isinstance(item, BaseException):
                raise item
            if (seen := _seen(item)) is not None:
                found.append(seen)
    except queue.Empty:
        pass
    return found


def _seen(line: bytes) -> Seen | None:
    try:
        record = loads(line)
    except ValueError:  # a torn last line; the bridge sends it again
        return None
    if not isinstance(record, dict) or "type" not in record or "id" not in record:
        return None
    names = str(record.get("subject")), str(record.get("source"))
    return Seen(*names, str(record["type"]), line.strip())


class _Client:
    """Requests to one bridge."""

    def __init__(self, place: BridgeUrl, token: str | None) -> None:
        self._place = place
        self._headers = {"User-Agent": "mogplex-bridge-follow"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self.url = place.origin + place.path

    def open(self, path: str, accept: str, timeout_s: float) -> http.client.HTTPResponse:
        """Send a GET and return the response.

        Raises:
            OSError: The connection failed.
            http.client.HTTPException: The answer is not HTTP.
        """
        connection = connect(self._place, timeout_s)
        connection.request(
            "GET", self._place.path + path, headers={**self._headers, "Accept": accept}
        )
        return connection.getresponse()

    def wait_for_run(self, run_id: str, clock: SystemClock, telling: Telling) -> None:
        """Return when the bridge knows a run.

        Raises:
            NoBridgeError: The bridge refuses, or does not know the run within RUN_WAIT_S.
        """
        begun, is_told, pause = clock.monotonic(), False, threading.Event()
        while True:
            try:
                response = self.open(f"/v1/runs/{run_id}", "application/json", CONNECT_S)
                status = response.status
                response.read(1024 * 1024)
            except (OSError, http.client.HTTPException) as error:
                raise NoBridgeError(self.unreachable(error)) from None
            if status == 200:
                return
            if status != 404:
                raise NoBridgeError(self.refused(status))
            if clock.monotonic() - begun > RUN_WAIT_S:
                text = f"the bridge at {self.url} does not follow run {run_id}"
                raise NoBridgeError(
                    Failure("follow --url", "NOT_FOUND", text, Retry.PERMANENT, http_status=404)
                )
            if not is_told:
                is_told = True
                telling.say(
                    f"run {run_id} is not followed by the bridge yet; waiting {RUN_WAIT_S:g} s"
                )
            pause.wait(1.0)

    def unreachable(self, error: BaseException) -> Failure:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        text = f"no bridge answers at {self.url}: {reason.lower()}; is it running there?"
        return Failure("follow --url", "TRANSPORT", text, Retry.TRANSIENT)

    def refused(self, status: int) -> Failure:
        what = "is it a bridge?"
        if status in (401, 403):
            what = "it needs a token with the scope read (--token-file)"
        text = f"{self.url} answers {status}: {what}"
        return Failure("follow --url", "HTTP_ERROR", text, Retry.PERMANENT, http_status=status)


def _read(
    client: _Client, wish: Tail, lines: queue.Queue[bytes | BaseException], telling: Telling
) -> None:
    """Put every record into the queue once, across reconnects."""
    after: str | None = None
    backoff, failures, pause = Backoff(cap_s=15.0), 0, threading.Event()
    while True:
        try:
            response = client.open(_path(wish, after), "application/x-ndjson", SILENCE_S)
            if response.status != 200:
                if response.status >= 500:
                    raise OSError(f"it answers {response.status}")
                lines.put(NoBridgeError(client.refused(response.status)))
                return
            failures = 0
            backoff.reset()
            for line in _lines(response):
                lines.put(line)
                after = _position(line) or after
                if b'"type":"bridge.reset"' in line[:200]:
                    telling.say("records are missing here: the bridge no longer keeps them")
            raise OSError("it closed the connection")
        except (OSError, http.client.HTTPException) as error:
            failures += 1
            if after is None and failures >= GIVE_UP_AFTER:
                lines.put(NoBridgeError(client.unreachable(error)))
                return
            if failures == 1 and not wish.is_quiet:
                reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
                telling.say(
                    f"the connection to {client.url} is lost ({reason.lower()}); reconnecting …"
                )
            pause.wait(backoff.after_failure(jitter=0.5))


def _path(wish: Tail, after: str | None) -> str:
    query = [("run", run_id) for run_id in wish.run_ids]
    if after is not None:
        query.append(("after", after))
    elif wish.tail is not None:
        query.append(("tail", str(wish.tail)))
    elif wish.run_ids:
        query.append(("after", "0"))
    return "/v1/events" + (f"?{urlencode(query)}" if query else "")


def _lines(response: http.client.HTTPResponse) -> Iterator[bytes]:
    while line := response.readline(LINE_BYTES_MAX):
        yield line


def _position(line: bytes) -> str | None:
    try:
        record: Any = loads(line)
    except ValueError:
        return None
    sequence = record.get("sequence") if isinstance(record, dict) else None
    return str(int(sequence)) if isinstance(sequence, str) and sequence.isdigit() else None
