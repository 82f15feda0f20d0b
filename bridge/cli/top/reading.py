"""Reads what `top` shows from a bridge, as one value; independent of terminals."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bridge.cli.bridge_url import connect, split_bridge_url
from bridge.clock import SystemClock
from bridge.core.errors import BridgeError

TIMEOUT_S: Final = 5.0  # a slower answer counts as none
BODY_BYTES_MAX: Final = 64 * 2**20  # 10,000 runs are 4 MiB
FAILURES_MAX: Final = 10  # more would not be read
_SAMPLE = re.compile(r"^mogplex_bridge_(\w+?)(?:\{([^}]*)\})? (\S+)$", re.MULTILINE)
_START = re.compile(r"^process_start_time_seconds (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class NoBridgeError(BridgeError):
    """No bridge answers at the address; the text is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class View:
    """A bridge at one instant. Mappings hold the bridge's JSON unchanged."""

    at_s: float  # wall clock
    url: str
    version: str
    up_s: float | None  # since the process started
    checks: Mapping[str, Mapping[str, Any]]  # /healthz
    # /v1/feeds, newest first. As in /v1/runs, `state` is how a feed is followed; the `state` of
    # /v1/feeds is `phase` here.
    runs: Sequence[Mapping[str, Any]]
    streams: Mapping[str, int]  # open, by transport
    journal_bytes: int
    records_per_s: float | None = None  # since the previous view; None for the first

    @property
    def head(self) -> int:
        """The newest sequence."""
        return int(self.checks.get("journal", {}).get("head", 0))

    def of_kind(self, kind: str) -> dict[str, Mapping[str, Any]]:
        """The checks of all accounts or sinks by name."""
        return {
            name.removeprefix(f"{kind} "): check
            for name, check in self.checks.items()
            if name.startswith(f"{kind} ")
        }

    def failures(self) -> list[Mapping[str, Any]]:
        """Feeds whose latest request failed, those that failed for good first."""
        failing = [run for run in self.runs if run.get("lastFailure")]
        failing.sort(key=lambda run: run.get("state") != "failed")
        return failing[:FAILURES_MAX]

    def as_json(self) -> dict[str, Any]:
        """The view for scripts, with the names of the HTTP interface where it has them."""
        runs = [run for run in self.runs if is_run(run)]
        journal = self.checks.get("journal", {})
        return {
            "url": self.url,
            "version": self.version,
            "ok": all(check.get("ok") for check in self.checks.values()),
            "uptimeSeconds": None if self.up_s is None else round(self.up_s, 1),
            "journal": {
                "ok": journal.get("ok"),
                "detail": journal.get("detail"),
                "head": self.head,
                "floor": journal.get("floor"),
                "bytes": self.journal_bytes,
            },
            "accounts": [{"name": n, **check} for n, check in self.of_kind("account").items()],
            "sinks": [{"name": n, **check} for n, check in self.of_kind("sink").items()],
            "subscribers": dict(self.streams),
            "runStates": _states(runs),
            "runs": [
                {"runId": id_of(run), **_without(run, "runId", "kind", "id", "system", "phase")}
                for run in runs
            ],
            "feedStates": _states(self.runs),
            "feeds": [
                {**_without(run, "phase"), "state": run.get("phase"), "following": run.get("state")}
                for run in self.runs
            ],
            "failures": [
                {
                    **({"runId": id_of(run)} if is_run(run) else {}),
                    "kind": run.get("kind", "run"),
                    "id": id_of(run),
                    "state": run["state"],
                    **run["lastFailure"],
                }
                for run in self.failures()
            ],
        }


class BridgeReader:
    """Reads one bridge. A lock lets one thread read at a time."""

    def __init__(
        self, origin: str, prefix: str = "", *, token: str | None = None, is_own: bool = False
    ) -> None:
        """Prepare the reader; nothing is sent before `read`.

        Args:
            origin: scheme://host:port, checked.
            prefix: The path before the bridge's routes.
            token: The bridge's token, if it needs one.
            is_own: The address comes from this machine's configuration. A certificate for the
                public name is then accepted on loopback.
        """
        self._is_own = is_own
        self.url = origin + prefix
        self._place = split_bridge_url(origin)
        self._prefix = prefix
        self._headers = {"Accept": "application/json", "User-Agent": "mogplex-bridge-top"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._clock = SystemClock()
        self._lock = threading.Lock()
        self._last: tuple[float, int] | None = None  # instant and head of the previous view

    def read(self) -> View:
        """Read /healthz, /v1/feeds and /metrics.

        Raises:
            NoBridgeError: No bridge answers in time, or the answers are not a bridge's.
        """
        with self._lock:
            connection = connect(self._place, TIMEOUT_S, is_own=self._is_own)
            try:
                # A 503 has the checks as well; one of them fails.
                checks = _object(self._get(connection, "/healthz", (200, 503)), "checks")
                feeds = _object(self._get(connection, "/v1/feeds", (200,)), "feeds")
                metrics = self._get(connection, "/metrics", (200,)).decode("utf-8", "replace")
            except TimeoutError:
                raise NoBridgeError(f"{self.url}: no answer in {TIMEOUT_S:g} s") from None
            except ssl.SSLCertVerificationError as error:
                reason = error.verify_message.lower()
                raise NoBridgeError(
                    f"{self.url}: its certificate is not trusted: {reason}"
                ) from None
            except (OSError, http.client.HTTPException) as error:
                reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
                raise NoBridgeError(
                    f"no bridge answers at {self.url}: {reason.lower()}; is it running there?"
                ) from None
            finally:
                connection.close()
            try:
                return self._view(checks, feeds, metrics)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                what = type(error).__name__
                raise NoBridgeError(
                    f"{self.url}: its answer cannot be read ({what}): is it a bridge?"
                ) from None

    def _get(
        self, connection: http.client.HTTPConnection, path: str, good: tuple[int, ...]
    ) -> bytes:
        connection.request("GET", self._prefix + path, headers=self._headers)
        response = connection.getresponse()
        body = response.read(BODY_BYTES_MAX)
        if response.status in (401, 403):
            need = "a token with the scope read and without limits (--token-file)"
            raise NoBridgeError(f"{self.url}{path} answers {response.status}: it needs {need}")
        if response.status not in good:
            raise NoBridgeError(f"{self.url}{path} answers {response.status}: is it a bridge?")
        return body

    def _view(self, checks: Any, feeds: Any, metrics: str) -> View:
        now, wall = self._clock.monotonic(), self._clock.wall()
        streams: dict[str, int] = {}
        version, journal_bytes = "", 0
        for name, labels, value in _SAMPLE.findall(metrics):
            if name == "subscribers":
                streams[dict(_LABEL.findall(labels))["transport"]] = int(float(value))
            elif name == "build_info":
                version = dict(_LABEL.findall(labels)).get("version", "")
            elif name == "journal_bytes":
                journal_bytes = int(float(value))
        start = _START.search(metrics)
        view = View(
            wall,
            self.url,
            version,
            max(0.0, wall - float(start[1])) if start else None,
            checks,
            [{**feed, "state": feed["following"], "phase": feed["state"]} for feed in feeds],
            streams,
            journal_bytes,
            self._rate(now, int(checks.get("journal", {}).get("head", 0))),
        )
        self._last = now, view.head
        return view

    def _rate(self, now: float, head: int) -> float | None:
        if self._last is None or now <= self._last[0]:
            return None
        return max(0.0, (head - self._last[1]) / (now - self._last[0]))


def is_run(feed: Mapping[str, Any]) -> bool:
    """Whether `/v1/runs` lists the feed."""
    return str(feed.get("kind", "run")) == "run"


def id_of(feed: Mapping[str, Any]) -> str:
    """Return the id of a feed: `id`, or `runId` of a bridge that lists only runs."""
    return str(feed.get("id") or feed.get("runId"))


def _states(feeds: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = dict.fromkeys(("following", "ended", "failed", "stopped"), 0)
    for feed in feeds:
        counts[str(feed.get("state"))] = counts.get(str(feed.get("state")), 0) + 1
    return counts


def _without(feed: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {
        name: value for name, value in feed.items() if name not in names and name != "following"
    }


def _object(body: bytes, key: str) -> Any:
    try:
        return json.loads(body)[key]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise NoBridgeError(f"the answer has no {key!r}: is it a bridge?") from None
