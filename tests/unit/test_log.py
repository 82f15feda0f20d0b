"""Logs: stderr, one pipeline for all, nothing escapes the redactor, repeats stay quiet."""

from __future__ import annotations

import ast
import io
import json
import logging
import re
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import structlog

import bridge
from bridge.log import EVENTS, Repeated, configure
from bridge.redact import Policy, Redactor

SECRET = "mog_abcdefghijklmnopqrstuvwxyz012345"
LEVEL_METHODS = {"debug", "info", "warning", "error", "critical", "exception", "log"}


def redact(value: Any) -> Any:
    """A stand-in that shows where redaction was asked for; the real one has tests of its own."""
    if isinstance(value, str):
        return value.replace(SECRET, "[redacted]")
    if isinstance(value, dict):
        return {redact(key): redact(item) for key, item in value.items()}
    return [redact(item) for item in value] if isinstance(value, list) else value


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _restore():
    root = logging.getLogger()
    handlers, level, raising = list(root.handlers), root.level, logging.raiseExceptions
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    yield
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = raising
    structlog.reset_defaults()


def test_a_line_is_json_with_level_and_utc_time_when_nobody_watches():
    out = io.StringIO()
    configure(redact, stream=out)
    structlog.get_logger().info("sink.opened", sink="a", position=7)
    line = json.loads(out.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "sink.opened", "level": "info", "sink": "a", "position": 7}


def test_nothing_is_written_to_stdout(capsys):
    configure(redact)
    structlog.get_logger().warning("sink.blocked", sink="a")
    logging.getLogger("aiohttp.client").warning("connection lost")
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 2


@pytest.mark.parametrize("stream_type", [io.StringIO, Terminal])
def test_a_secret_escapes_nowhere(stream_type):
    out = stream_type()
    configure(redact, stream=out, level="debug")
    log = structlog.get_logger()
    structlog.contextvars.bind_contextvars(bound=SECRET)
    log.info("sink.opened " + SECRET)  # noqa: G003 - the wrong thing, on purpose
    log.info("sink.opened", **{f"key-{SECRET}": 1})
    log.info("sink.opened", value=SECRET, nested={"a": [{SECRET: (SECRET, {SECRET})}]})
    log.info("sink.opened", error=ValueError(SECRET), path=Path("/tmp") / SECRET)
    deep: object = SECRET
    for _ in range(20):
        deep = [deep]
    log.info("sink.opened", deep=deep, raw=SECRET.encode())
    try:
        raise RuntimeError(f"bad token {SECRET}")
    except RuntimeError:
        log.exception("sink.blocked")
        logging.getLogger("asyncio").exception("task died with %s", SECRET)
    structlog.contextvars.clear_contextvars()
    text = out.getvalue()
    assert SECRET not in text
    assert text.count("[redacted]") >= 15
    assert "RuntimeError" in text


def test_library_lines_go_through_the_same_pipeline_under_one_name():
    out = io.StringIO()
    configure(redact, stream=out)
    logging.getLogger("aiohttp.server").error("Error handling %s", SECRET)
    line = json.loads(out.getvalue())
    assert (line["event"], line["logger"], line["level"], line["message"]) == (
        "library.logged", "aiohttp.server", "error", "Error handling [redacted]",
    )  # fmt: skip


def test_access_lines_and_levels_below_the_limit_are_dropped():
    out = io.StringIO()
    configure(redact, stream=out, level="warning")
    structlog.get_logger().info("sink.opened")
    logging.getLogger("aiohttp.access").info("GET / 200")
    assert out.getvalue() == ""


def test_colours_on_a_terminal_only_and_not_against_no_color():
    for stream, environ, coloured in [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (io.StringIO(), {}, False),
    ]:
        configure(redact, stream=stream, environ=environ)
        structlog.get_logger().info("sink.opened")
        assert ("\x1b[" in stream.getvalue()) is coloured


def test_a_value_cannot_move_the_cursor_of_a_terminal():
    out = Terminal()
    configure(redact, stream=out, environ={"NO_COLOR": "1"})
    structlog.get_logger().info("sink.opened", path="a\x1b[2Jb\nfake line")
    assert "\x1b" not in out.getvalue()
    assert len(out.getvalue().splitlines()) == 1


def test_a_closed_stderr_does_not_stop_the_program():
    out = io.StringIO()
    configure(redact, stream=out)
    out.close()
    structlog.get_logger().error("sink.blocked")


def test_the_form_can_be_chosen():
    text, lines = io.StringIO(), Terminal()
    configure(redact, stream=text, form="text", environ={})
    structlog.get_logger().info("sink.opened")
    assert "sink.opened" in text.getvalue()
    assert not text.getvalue().startswith("{")
    assert "\x1b" not in text.getvalue()
    configure(redact, stream=lines, form="json")
    structlog.get_logger().info("sink.opened")
    assert json.loads(lines.getvalue())["event"] == "sink.opened"
    with pytest.raises(ValueError, match="use auto, text or json"):
        configure(redact, form="xml")


def test_an_unknown_level_is_refused():
    with pytest.raises(ValueError, match="use debug, info"):
        configure(redact, level="loud")


def test_configuring_twice_does_not_double_lines():
    out = io.StringIO()
    configure(redact, stream=io.StringIO())
    configure(redact, stream=out)
    structlog.get_logger().info("sink.opened")
    assert len(out.getvalue().splitlines()) == 1


def test_a_failure_that_repeats_is_told_first_then_every_30_s_then_once_when_it_is_over():
    repeated = Repeated()
    told = [(t, n) for t in range(100) if (n := repeated.failed(float(t))) is not None]
    assert told == [(0, 1), (30, 31), (60, 61), (90, 91)]
    assert repeated.recovered() == 100
    assert repeated.recovered() == 0
    assert repeated.failed(1000.0) == 1


def test_a_failure_at_time_zero_and_one_long_after_are_both_told():
    repeated = Repeated(every_s=5.0)
    assert repeated.failed(0.0) == 1
    assert repeated.failed(4.9) is None
    assert repeated.failed(5.0) == 3


def log_calls() -> list[tuple[str, str | None]]:
    """(place, name) of every call on `log`, `_log` or `get_logger()` in the package."""
    found = []
    for path in Path(bridge.__path__[0]).rglob("*.py"):
        text = path.read_text()
        if not re.search(r"log(?:ger)?(?:\(\))?\.", text):
            continue
        for node in ast.walk(ast.parse(text)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            owner = node.func.value
            if isinstance(owner, ast.Call):  # get_logger().error(...)
                owner = owner.func
            name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
            loggers = ("log", "logger", "get_logger")
            if node.func.attr in LEVEL_METHODS and name.strip("_").lower() in loggers:
                first = node.args[0] if node.args else None
                said = first.value if isinstance(first, ast.Constant) else None
                found.append((f"{path.name}:{node.lineno}", said))
    return found


@pytest.mark.slow
def test_every_log_call_uses_a_name_of_the_closed_set():
    calls = log_calls()
    assert calls, "no log calls found: the search is broken"
    assert [(place, name) for place, name in calls if name not in EVENTS] == []


def test_names_are_noun_dot_verb():
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*", name) for name in EVENTS)


def test_configure_uses_the_stderr_of_the_moment(monkeypatch):
    err = io.StringIO()
    monkeypatch.setattr(sys, "stderr", err)
    configure(redact)
    structlog.get_logger().info("sink.opened")
    assert "sink.opened" in err.getvalue()


FORMS = [("json", io.StringIO), ("text", io.StringIO), ("auto", Terminal)]


@pytest.mark.parametrize(("form", "stream_type"), FORMS)
def test_values_below_a_telling_name_go_whatever_they_look_like(form, stream_type):
    out = stream_type()
    configure(Redactor().twin().value, stream=out, form=form, environ={"NO_COLOR": "1"})
    log = structlog.get_logger()
    log.info("sink.opened", password="opensesame")
    log.info("sink.opened", request={"headers": {"Authorization": "Bearer opensesame1"}})
    log.info("sink.opened", argv=["tool", "--token", "opensesame2"], env={"FOO": "opensesame3"})
    log.info("sink.opened", settings=[{"name": "API_KEY", "value": "opensesame4"}])
    text = out.getvalue()
    assert "opensesame" not in text
    assert text.count("REDACTED") == 5


@pytest.mark.parametrize(("form", "stream_type"), FORMS)
def test_exceptions_lose_their_secrets_and_keep_their_stacks(form, stream_type):
    out = stream_type()
    configure(Redactor().twin().value, stream=out, form=form, environ={"NO_COLOR": "1"})
    try:
        try:
            raise ValueError("cannot open postgres://app:opensesame1@db/app")
        except ValueError as cause:
            raise RuntimeError("login failed: password=opensesame2") from cause
    except RuntimeError as error:
        structlog.get_logger().exception("sink.blocked", error=error, note=[error])
        logging.getLogger("asyncio").exception("Task exception was never retrieved")
        logging.getLogger("aiohttp").error("header %s", {"cookie": "sid=opensesame3x"})
    text = out.getvalue()
    assert "opensesame" not in text
    assert text.count("Traceback") == 4
    assert "test_exceptions_lose" in text


def test_a_crash_that_nobody_catches_passes_the_redactor_too():
    out = io.StringIO()
    configure(Redactor().twin().value, stream=out)

    def crash() -> None:
        raise RuntimeError("password=opensesame1")

    try:
        crash()
    except RuntimeError as error:
        sys.excepthook(RuntimeError, error, error.__traceback__)
    thread = threading.Thread(target=crash)
    thread.start()
    thread.join()
    text = out.getvalue()
    assert "opensesame" not in text
    assert text.count("RuntimeError: password=[REDACTED:password]") == 2


def test_a_redactor_that_breaks_keeps_the_line_back():
    def broken(value: Any) -> Any:
        raise KeyError(SECRET)

    out = io.StringIO()
    configure(broken, stream=out)
    structlog.get_logger().error("sink.blocked", reason=SECRET)
    line = json.loads(out.getvalue())
    assert (line["event"], line["unreadable"]) == ("[REDACTED:unscanned]", "KeyError")
    assert SECRET not in out.getvalue()


def test_logs_of_a_thread_do_not_disturb_the_redactor_of_the_loop():
    """One redactor for both would forget, half-way, what else to look for in an event."""
    redactor = Redactor()
    twin = redactor.twin()
    assert twin is redactor.twin()
    assert twin is not redactor
    redactor.protect(["opensesame1"])
    assert twin.value("x opensesame1") == "x [REDACTED:token]"
    redactor.adopt(Redactor(Policy(keys=("flavour",))))
    assert redactor.twin() is twin
    assert twin.value({"flavour": "opensesame2", "x": "opensesame1"}) == {
        "flavour": "[REDACTED:secret]", "x": "[REDACTED:token]",
    }  # fmt: skip
    assert redactor.take_counts() == {"own-token": 2, "policy-key": 1}
