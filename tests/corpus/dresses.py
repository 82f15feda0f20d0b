"""What tools put on the lines of a text: colors, numbers, names, times, marks, a layer of quoting.

A dress is put on a text and taken off again; a redactor that does not care how a secret is dressed
gives the same text both ways.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Dress:
    """`on` dresses a text; `off` undresses it, markers of redaction in it or not."""

    on: Callable[[str], str]
    off: Callable[[str], str]
    lines_least: int = 1  # of a text; one line alone does not show what all lines have


_FIRST_WORD = re.compile(r"^([^A-Za-z_\n]*)([A-Za-z_][\w-]*)", re.M)


def _prefix(make: Callable[[int], str], pattern: str, lines_least: int = 1) -> Dress:
    """A prefix on each line; `make` gets its number. `pattern` takes it off."""
    taken = re.compile(pattern, re.M)
    return Dress(
        lambda text: "\n".join(make(at) + line for at, line in enumerate(text.split("\n"), 7)),
        lambda text: taken.sub("", text),
        lines_least,
    )


def _color(escape: str, pattern: str, *, word: bool = False) -> Dress:
    """Each line, or its first word, in green."""
    on, off = f"{escape}32m", f"{escape}0m"
    taken = re.compile(pattern + r"\d{1,2}m")

    def dressed(text: str) -> str:
        if word:
            return _FIRST_WORD.sub(lambda found: f"{found[1]}{on}{found[2]}{off}", text)
        return "\n".join(f"{on}{line}{off}" for line in text.split("\n"))

    return Dress(dressed, lambda text: taken.sub("", text))


def _patch() -> Dress:
    head, end = "*** Begin Patch\n*** Update File: a.yml\n@@\n", "\n*** End Patch"
    return Dress(
        lambda text: head + "\n".join("+" + line for line in text.split("\n")) + end,
        lambda text: re.sub(r"^\+", "", text.removeprefix(head).removesuffix(end), flags=re.M),
    )


def _diff(mark: str) -> Dress:
    head = "@@ -1,9 +1,9 @@\n"
    return Dress(
        lambda text: head + "\n".join(mark + line for line in text.split("\n")),
        lambda text: re.sub(rf"^\{mark}", "", text.removeprefix(head), flags=re.M),
    )


DRESSES: dict[str, Dress] = {
    "color": _color("\x1b[", r"\x1b\["),
    "color of a word": _color("\x1b[1;", r"\x1b\[1;", word=True),
    "color, carets": _color("^[[", r"\^\[\["),
    "color, x1b": _color("\\x1b[", r"\\x1b\["),
    "color, u001b": _color("\\u001b[", r"\\u001b\[", word=True),
    "color, 033": _color("\\033[", r"\\033\["),
    "color, eight bits": _color("\x9b", r"\x9b"),
    "erased lines": _prefix(lambda _: "\x1b[2K\x1b[1G", r"^\x1b\[2K\x1b\[1G"),
    "cat -n": _prefix(lambda n: f"{n:6}\t", r"^ {0,6}\d+\t"),
    "arrow": _prefix(lambda n: f"{n:5}→", r"^ {0,6}\d+→"),
    "grep -n": _prefix(lambda n: f"{n}:", r"^\d+:"),
    "grep -rn": _prefix(lambda n: f"config/app.yml:{n}:", r"^config/app\.yml:\d+:"),
    "git grep": _prefix(lambda n: f"HEAD:config.yml:{n}:", r"^HEAD:config\.yml:\d+:"),
    "bat": _prefix(lambda n: f"{n:4} │ ", r"^ {0,4}\d+ │ "),
    "compose": _prefix(lambda _: "api-1  | ", r"^api-1  \| "),
    "compose, old": _prefix(lambda _: "web_1       | ", r"^web_1       \| "),
    "kubectl --timestamps": _prefix(lambda n: f"2026-08-03T15:00:{n % 60:02}.104992817Z ", r"^2026\S+Z "),
    "container log": _prefix(lambda n: f"2026-08-03T15:00:{n % 60:02}.104992Z stdout F ", r"^2026\S+Z stdout F "),
    "kubectl --prefix": _prefix(lambda _: "[pod/api-7d9f8/api] ", r"^\[pod/api-7d9f8/api\] "),
    "actions": _prefix(lambda n: f"build\tRun make\t2026-08-03T15:00:{n % 60:02}.1234567Z ", r"^build\tRun make\t\S+ "),
    "clock": _prefix(lambda n: f"[15:00:{n % 60:02}] ", r"^\[15:00:\d\d\] "),
    "syslog": _prefix(lambda n: f"Aug  3 15:00:{n % 60:02} web app[412]: ", r"^Aug  3 \S+ web app\[412\]: "),
    "buildkit": _prefix(lambda n: f"#12 0.{n}45 ", r"^#12 0\.\d+ "),
    "bat -n": _prefix(lambda n: f"{n:4} ", r"^ {0,3}\d+ ", 2),
    "L7": _prefix(lambda n: f"L{n}: ", r"^L\d+: "),
    "turbo": _prefix(lambda _: "@acme/web:build: ", r"^@acme/web:build: ", 2),
    "npm": _prefix(lambda _: "npm error ", r"^npm error "),
    "logger": _prefix(
        lambda n: f"2026-08-03 15:00:{n % 60:02},123 - app.main - INFO - ", r"^2026\S+ \S+ - app\.main - INFO - ", 2),
    "runner": _prefix(lambda n: f"2026-08-03T15:00:{n % 60:02}.104992Z 01O ", r"^2026\S+Z 01O ", 2),
    "device": _prefix(lambda n: f"08-03 15:00:{n % 60:02}.123  1234  1240 D App: ", r"^08-03 \S+  1234  1240 D App: ", 2),
    "stern": _prefix(lambda _: "api-7d9f8-x2x9k api ", r"^api-7d9f8-x2x9k api ", 2),
    "comment": _prefix(lambda _: "// ", r"^// ", 2),
    "box": _prefix(lambda _: "│ ", r"^│ ", 2),
    "quote": _prefix(lambda _: "> ", r"^> "),
    "added": _diff("+"),
    "removed": _diff("-"),
    "unchanged": _diff(" "),
    "patch": _patch(),
    "grep in color in compose": _prefix(
        lambda n: f"api-1  | \x1b[35mconfig/app.yml\x1b[m\x1b[36m:\x1b[m\x1b[32m{n}\x1b[m\x1b[36m:\x1b[m",
        r"^api-1  \| \x1b\[35mconfig/app\.yml\x1b\[m\x1b\[36m:\x1b\[m\x1b\[32m\d+\x1b\[m\x1b\[36m:\x1b\[m",
    ),
    "JSON": Dress(
        lambda text: json.dumps({"path": "a.yml", "content": text, "n": 1}),
        lambda text: str(json.loads(text)["content"]),
    ),
    "JSON in JSON": Dress(
        lambda text: json.dumps({"out": json.dumps({"content": text})}),
        lambda text: str(json.loads(json.loads(text)["out"])["content"]),
    ),
    "lines that go on": Dress(
        lambda text: re.sub(r" (?=--?[A-Za-z])", " \\\n    ", text),
        lambda text: text.replace(" \\\n    ", " "),
    ),
    "lines that go on, compose": Dress(
        lambda text: "api-1  | " + re.sub(r" (?=--?[A-Za-z])", " \\\n    ", text).replace("\n", "\napi-1  | "),
        lambda text: text.removeprefix("api-1  | ").replace("\napi-1  | ", "\n").replace(" \\\n    ", " "),
    ),
    "shell": Dress(
        lambda text: "bash -lc '" + text.replace("'", "'\\''") + "'",
        lambda text: text[len("bash -lc '") : -1].replace("'\\''", "'"),
    ),
}  # fmt: skip
