"""Logs: one line on stderr per change of state, JSON for machines, colors on a terminal only.

Call `configure` before anything logs; use `get_logger()` everywhere else. The given redactor sees
every line last and as a whole, whatever code made it: values below a telling name, texts,
exceptions with their stacks, and uncaught crashes. The journal's redaction is the first line of
defense, this is the last. stdout belongs to results; logs never go there.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from types import TracebackType
from typing import Any, TextIO

from bridge.standard_error import standard_error

# structlog imports rich to print exceptions, which this module never uses. The import takes 0.37 of
# 0.58 s CPU here, and delays the first line of `follow` in a pipe as much.
_NEEDS_HIDING = "rich" not in sys.modules
if _NEEDS_HIDING:
    sys.modules["rich"] = None  # type: ignore[assignment]
import structlog  # noqa: E402 - see above

if _NEEDS_HIDING:
    del sys.modules["rich"]

# The closed set of names (`noun.verb_past`); a test compares every log call of the package with it.
EVENTS: Mapping[str, str] = {
    "bridge.ready": "the bridge serves at `listen`; `head` is the newest record",
    "bridge.stopping": "a signal started an orderly stop; the next signal ends the process",
    "bridge.stopped": "everything up to `head` is on disk",
    "config.check_crashed": "a bug in the check of a changed configuration; the old settings stay",
    "config.reloaded": "a reload was applied; `changed` lists the keys that differ",
    "config.refused": "a configuration was rejected: `reason` has file, line and remedy; the old"
    " settings stay",
    "config.restart_needed": "a changed key takes effect only after a restart",
    "token.replaced": "a token file changed; the bridge uses the new token",
    "upstream.proxy_ignored": "the environment names a proxy of an unsupported kind",
    "intake.event_left_out": "an event could not be stored; a gap record marks its place",
    "token.suspended": "upstream keeps refusing the token; the bridge tests it at long intervals",
    "token.revived": "upstream accepts the token again; all its feeds resume",
    "token.warned": "a token file needs attention; `reason` says why",
    "feed.ended": "a followed feed ended and is complete",
    "journal.full": "the disk is full: sources wait, readers continue; free some space and the"
    " bridge recovers automatically",
    "journal.unavailable": "the journal cannot store, for `reason`: sources wait, readers continue",
    "journal.writable_again": "the journal stores records again",
    "feed.not_added": "a configured feed cannot be followed now; `reason` says why",
    "feed.unlisted": "a feed was removed from the configuration and is no longer followed",
    "follow.degraded": "upstream keeps failing for runs of an account; the bridge retries",
    "follow.recovered": "upstream answers for all runs of the account again",
    "follow.failed": "the bridge stopped following a feed: `code` says why; a record reports it",
    "follow.crashed": "a bug ended one follow; the bridge restarts it",
    "follow.cursor_unreadable": "a stored cursor has an unknown format; the feed is read anew",
    "ticket.not_used": "the bridge fetched a ticket for a stream, but could not connect with it",
    "discovery.denied": "this key may not read a list, so its kind of feed is not discovered",
    "follow.account_missing": "a stored run belongs to an account that is not configured",
    "runs_from.line_refused": "a line of --runs-from is not a run id",
    "lease.taken": "this replica starts to follow the account",
    "lease.lost": "this replica stops following the account: another one does, or the"
    " journal is unreachable",
    "follow.waits": "the journal does not answer; the follow resumes when it does",
    "follow.fenced": "another replica follows the feed; this one stored no more records",
    "journal.log_held": "another program reads an old state of the journal, so its -wal file grows;"
    " find the program with `fuser` and end it",
    "journal.retention_failed": "old records could not be deleted; the bridge retries",
    "log.lines_dropped": "nobody read stderr for a while; `lines` before this one were dropped",
    "library.logged": "a line of aiohttp, asyncio or another library; its text is `message`",
    "auth.tokens_refused": "the changed tokens file is invalid; the last valid one stays in force",
    "tls.certificate_replaced": "the certificate changed; new connections get the new one",
    "tls.certificate_refused": "the changed certificate is invalid; the last valid one stays in"
    " force",
    "gateway.start_unknown": "it is not known whether a run was started; trying again",
    "gateway.start_given_up": "the gateway could not find out whether a run was started",
    "http.request_failed": "a client got a 5xx answer; `error` is the kind, a bug has its stack",
    "sink.opened": "an output found its position and writes",
    "sink.not_opened": "an output cannot be opened, for `reason`; the bridge retries",
    "output.taken": "this replica now writes an output with `where` = once",
    "output.lost": "this replica stopped writing an output with `where` = once; another may"
    " write it",
    "worker.started": "a worker process was replaced and serves",
    "worker.died": "a worker process died; the daemon replaces it",
    "worker.hung": "a worker process sent nothing for 30 s; the daemon kills it",
    "worker.failed": "a worker process could not run, for `reason`",
    "sink.blocked": "an output cannot write and retries; other outputs continue",
    "sink.reader_gone": "the reader of stdout is gone; the daemon stops in order",
    "sink.recovered": "an output writes again",
    "sink.closed": "an output stopped; `position` is the last record that it wrote",
    "part.not_restored": "a change of the configuration was undone, but an output or account could"
    " not be restored, for `reason`",
    "sink.missed": "the journal dropped records before an output could write them",
    "sink.epoch_changed": "the journal is not the one that the output last read",
    "file.tail_cut": "the last line was torn (power cut, kill, full disk) and is written again",
    "file.rotated": "a file is finished",
    "file.removed": "a finished file was deleted because of `keep`",
    "file.replaced": "the file at the path was replaced (logrotate); the output reopened it",
    "file.set_aside": "the file at an output's path is damaged or not the output's; the bridge"
    " keeps it and begins another",
    "file.shrunk": "another program truncated the file (copytruncate): lines may be missing",
    "file.cleaning_failed": "finished files could not be compressed or deleted; the bridge retries",
}

REPEAT_EVERY_S = 30.0  # seconds between lines about a failure that lasts

Stream = TextIO | io.TextIOBase
Redact = Callable[[Any], Any]  # a JSON-like value (a text, a mapping) in, the same redacted out

_DEPTH_MAX = 6  # levels of a logged value; deeper ones are shown as their repr
UNREADABLE = "[REDACTED:unscanned]"
_SAFE_KEYS = frozenset({"level", "timestamp"})  # set here, so they hold no user data


def get_logger() -> Any:
    """Return a logger that follows `configure`, whenever that is called."""
    return structlog.get_logger()


class Repeated:
    """Says when a failure that repeats deserves a line: the first, then every 30 s, then the end.

    Pure: the caller brings the monotonic time.
    """

    __slots__ = ("_count", "_every_s", "_logged_s")

    def __init__(self, every_s: float = REPEAT_EVERY_S) -> None:
        self._every_s = every_s
        self._count = 0
        self._logged_s = 0.0

    def failed(self, now_s: float) -> int | None:
        """Count a failure; return the failures in a row if it is time for a line, else None."""
        self._count += 1
        if self._count > 1 and now_s - self._logged_s < self._every_s:
            return None
        self._logged_s = now_s
        return self._count

    def recovered(self) -> int:
        """Return how many failures came in a row before this success; 0 means no line is due."""
        count, self._count = self._count, 0
        return count


def configure(
    redact: Redact,
    *,
    level: str = "info",
    form: str = "auto",
    stream: Stream | None = None,
    environ: Mapping[str, str] | None = None,
) -> None:
    """Send the logs of this program and of its libraries to `stream` (stderr). Idempotent.

    `level`: debug, info, warning, error. `form`: text, json, or auto, which is text on a terminal
    and json elsewhere. `redact` runs under the handler's lock: its state is safe if no other code
    uses it (`Redactor.twin`).

    Raises:
        ValueError: The level or the form is another word.
    """
    stream = standard_error() if stream is None else stream
    environ = os.environ if environ is None else environ
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"log level {level!r}: use debug, info, warning or error")
    if form not in ("auto", "text", "json"):
        raise ValueError(f"log format {form!r}: use auto, text or json")
    is_terminal = stream.isatty()
    pretty = form == "text" or (form == "auto" and is_terminal)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # modules get their loggers before the settings are read
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _name_foreign],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _Redactor(redact, is_terminal=pretty),
                _renderer(pretty=pretty, colors=is_terminal and not environ.get("NO_COLOR")),
            ],
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(number)
    logging.raiseExceptions = False  # a closed stderr is no reason to stop or to report an error
    logging.captureWarnings(True)  # noqa: FBT003 - the library's signature
    # One line per request would be one per second without news; metrics count requests.
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(max(number, logging.WARNING))
    _tell_crashes_redacted(handler, redact, stream)


def _renderer(*, pretty: bool, colors: bool) -> structlog.typing.Processor:
    if not pretty:
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(
        colors=colors, exception_formatter=structlog.dev.plain_traceback
    )


def _name_foreign(
    logger: object, method: str, event_dict: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Move a library's text out of `event`, which is a closed set."""
    del logger, method
    record: logging.LogRecord = event_dict["_record"]
    event_dict["message"] = event_dict["event"]
    event_dict["event"] = "library.logged"
    event_dict["logger"] = record.name
    return event_dict


def _tell_crashes_redacted(handler: logging.Handler, redact: Redact, stream: Stream) -> None:
    """Redact the tracebacks of uncaught exceptions, which Python writes to stderr."""

    def tell(
        kind: type[BaseException], error: BaseException | None, at: TracebackType | None
    ) -> None:
        text = "".join(traceback.format_exception(kind, error, at))
        handler.acquire()
        try:
            text = _redacted(redact, text)
        finally:
            handler.release()
        with contextlib.suppress(OSError, ValueError):  # a closed stderr
            stream.write(f"{text.rstrip()}\n")
            stream.flush()

    def of_thread(crash: threading.ExceptHookArgs) -> None:
        if crash.exc_type is not SystemExit:
            tell(crash.exc_type, crash.exc_value, crash.exc_traceback)

    def unraisable(crash: sys.UnraisableHookArgs) -> None:
        tell(crash.exc_type, crash.exc_value, crash.exc_traceback)

    sys.excepthook, threading.excepthook, sys.unraisablehook = tell, of_thread, unraisable


def _redacted(redact: Redact, value: Any) -> Any:
    """Redact a value; if the redactor fails, drop the line."""
    try:
        return redact(value)
    except Exception as error:  # noqa: BLE001 - whatever it is, the value must not pass unread
        return {"unreadable": type(error).__name__} if isinstance(value, dict) else UNREADABLE


class _Redactor:
    """The last processor before rendering: every line passes the redactor here."""

    def __init__(self, redact: Redact, *, is_terminal: bool) -> None:
        self._redact = redact
        self._is_terminal = is_terminal

    def __call__(
        self, logger: object, method: str, event_dict: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        del logger, method
        ours = {key: value for key, value in event_dict.items() if key in _SAFE_KEYS}
        rest = {
            str(key): _plain(value, _DEPTH_MAX)
            for key, value in event_dict.items()
            if key not in _SAFE_KEYS
        }
        clean = _redacted(self._redact, rest)
        clean.setdefault("event", UNREADABLE)
        if self._is_terminal:
            clean = {
                _printable(key): _shown(value, keep="\n\t" if key == "exception" else "")
                for key, value in clean.items()
            }
        return {**clean, **ours}


def _plain(value: object, depth_left: int) -> object:
    """Return plain JSON values, which a redactor can walk and every renderer can write."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, BaseException | TracebackType) or depth_left == 0:
        return repr(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item, depth_left - 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, depth_left - 1) for item in value]
    return str(value)


def _shown(value: Any, keep: str = "") -> Any:
    if isinstance(value, str):
        return _printable(value, keep)
    if isinstance(value, dict):
        return {_printable(key): _shown(item) for key, item in value.items()}
    return [_shown(item) for item in value] if isinstance(value, list) else value


def _printable(text: str, keep: str = "") -> str:
    """Escape control characters: upstream's text must not move a terminal's cursor."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else ascii(c)[1:-1] for c in text)
