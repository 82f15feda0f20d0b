"""Commands that print a secret: what stands below them, and what an event says they gave out.

The same table reads a transcript (`$ pass show db` and the next line) and the members of an event
(`command` beside `output`): `prints` judges the command, `printed_lines` what it gave out.
"""

# ruff: noqa: E501 - a row of a table is read on one line

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from bridge.redact.automaton import Automaton
from bridge.redact.detectors.detector import Detector
from bridge.redact.detectors.printers import DUMPERS, PRINTERS, READERS
from bridge.redact.dress import joined
from bridge.redact.expressions import lazy
from bridge.redact.names.classifier import CODE, ENV, NONE, SURE, Verdict
from bridge.redact.names.words import BESIDE_WORDS, META, PUBLIC_ENV
from bridge.redact.rule import ASSIGNMENT
from bridge.redact.spans import MARK_OPEN, Scan
from bridge.redact.values import harmless
from bridge.redact.values.extent import line_end
from bridge.redact.values.judge import looks_made

LINES_MAX: Final = (
    40  # lines of an output that are read; a command that prints more prints no secret
)
LINE_CHARS_MAX: Final = 32_768
COMMAND_MAX: Final = 2_000  # characters of a command

_TOOLS: Final = DUMPERS | READERS | PRINTERS
_LITERALS: Final = Automaton(_TOOLS, is_quick=False)
_PATTERNS: Final = tuple(_TOOLS[literal] for literal in _LITERALS.literals)
# What may follow: filters that still print it. `> file`, `| docker login` and `$(...)` print nothing.
_SHOWS_ON = lazy(
    r"\|[ ]{0,2}(?:base64|tr|head|tail|cut|awk|sed|jq|xargs|cat|tee|rev|fold|grep|xxd|openssl base64|python3? -m base64|sort|uniq|column|less|strings)\b"
)
_PIPE_OR_FILE = lazy(r"(?<![0-9&])>{1,2}(?!&)|\|(?!\|)")
_HELP = lazy(r"\s(?:--help|--version|-h)(?=\s|\Z)")
_INTO = lazy(r"(?:\$\(|`|<\()[^()`]{0,400}\Z")
_SHOWN_AGAIN = lazy(r"(?:echo|printf|print)\b[^\n]{0,200}\Z")

Names = Callable[[str], Verdict]


NOTHING: Final = 0
SETTING: Final = 1  # kept under a name that does not say what it is: the value must look made
NAMED: Final = 2  # read by the name of a secret, from where there may be none: it needs weight
SECRET: Final = 3
DUMP: Final = 4  # names and values, one to a line


def prints(command: str, names: Names) -> int:
    """What this command prints and nothing else: `NOTHING`, `SETTING`, `NAMED`, `SECRET` or `DUMP`.

    `names` judges names.
    """
    command = command[:COMMAND_MAX]
    if (lines := joined(command)) is not None:
        command = lines.text
    for number, start, end in _LITERALS.within(command.lower()):
        begin = command.rfind("\n", 0, start) + 1
        low = max(begin, start - 200)
        found = _PATTERNS[number]().search(command, low, line_end(command, end, len(command)))
        if found is not None and _is_printed(command, found):
            what = _what(found, names)
            if what:
                return what
    return NOTHING


def _is_printed(command: str, found: re.Match[str]) -> bool:
    """Does it reach the reader, not a file, a variable or another program?"""
    if _HELP().search(command, found.start(), line_end(command, found.end(), len(command))):
        return False
    before = command[max(0, found.start() - 400) : found.start()]
    into = _INTO().search(before)
    if into is not None and not _SHOWN_AGAIN().search(before, 0, into.start()):
        return False
    at = found.end()
    stop = line_end(command, at, len(command))
    for _ in range(6):
        cut = _PIPE_OR_FILE().search(command, at, stop)
        if cut is None:
            return True
        if _SHOWS_ON().match(command, cut.start(), stop) is None:
            return cut.group()[0] == ">" and command.startswith("/dev/stdout", cut.end() + 1)
        at = cut.end()
    return True


def _what(found: re.Match[str], names: Names) -> int:
    """What a command prints by the names in it."""
    groups = found.groupdict()
    what = SECRET
    if "dump" in groups:
        what = DUMP
    elif named := groups.get("named"):
        what = SECRET if "/" in named or names(named).grade not in (NONE, ENV) else NOTHING
    elif kept := groups.get("kept"):
        about = NOTHING if is_about(kept) else SETTING
        what = SECRET if names(kept).grade not in (NONE, ENV) else about
    elif read := groups.get("read"):
        what = NAMED if names(read).grade in (SURE, CODE) else NOTHING
    elif file := groups.get("file"):
        what = NAMED if _holds_secret(file, names) else NOTHING
    elif field := groups.get("field"):
        last = re.split(r"[/._-]", field.rstrip("/"))[-1].lower()
        if last in META or last in ("user", "login", "account", "website", "crt"):
            what = NOTHING
    return what


_OF_FILE: Final = lazy(r"(?:[^/]*/)*\.?(?P<name>[\w@-]+?)(?:\.(?:txt|secret|pw|pass|tmp))?\Z")


def _holds_secret(file: str, names: Names) -> bool:
    """Is this the file of one secret: `secrets/db_password.txt`, `~/.config/x/token`?"""
    found = _OF_FILE().match(file)
    return found is not None and names(found.group("name")).grade == SURE


def is_about(name: str) -> bool:
    """Does the name say that this is no secret but beside one?"""
    low = name.lower()
    last = re.split(r"[./:_-]", low)[-1]
    return low in PUBLIC_ENV or last in BESIDE_WORDS or last in META


KEY_MIN: Final = 20  # characters of a key in a table
_STAMP = lazy(r"\d{4}-\d\d-\d\dT")
_TROUBLE = lazy(
    r"(?i)(?:error|fatal|usage|warning|warn|panic|failed|unable|cannot|could not|no such|not found|permission|denied|invalid"
    r"|unauthorized|you |please |the |run |try |see |traceback|exception|bash:|sh:|zsh:|-bash:)\b|[\w./-]{1,60}: (?:error|command|line|not|no|cannot|permission)"
)


def printed_lines(
    output: str, at: int = 0, end: int | None = None, what: int = SECRET
) -> Iterator[tuple[int, int]]:
    """Where in an output of such a command its secrets stand: start and end of each.

    `what`: as `prints` says it.
    """
    end = len(output) if end is None else end
    behind = _json_end(output, at, end)
    if behind > at:
        yield from _of_json(output, at, behind)
        at = behind
    read = 0
    while at < end and read < LINES_MAX:
        stop = line_end(output, at, min(end, at + LINE_CHARS_MAX + 1))
        line = output[at:stop]
        text = line.strip(" \t\r\"'")
        if text and text[0] not in "{[":
            read += 1
            if stop - at > LINE_CHARS_MAX or (read == 1 and _TROUBLE().match(text)):
                return
            first = at + line.index(text)
            if what == DUMP:
                yield from _of_dump(text, first)
            elif " " not in text and "\t" not in text:
                if _is_made(text) and _SETTING.match(text) is None and _suits(text, what):
                    yield first, first + len(text)
            elif what == SECRET and (read == 1 or text.count("  ") or "\t" in text):
                yield from _words(text, first)
        at = stop + 1


_MEMBER: Final = re.compile(
    r'"(?P<name>[^"\\\n]{1,80})"[ ]{0,4}:[ ]{0,4}"(?P<value>[^"\\\n]{8,4096})"'
    r'|[\[,]\s{0,40}"(?P<item>[^"\\\n]{8,4096})"(?=\s{0,40}[,\]])'
)
_DECODER: Final = json.JSONDecoder()
JSON_MAX: Final = 65_536  # characters of an output that are read as JSON


def _json_end(output: str, at: int, end: int) -> int:
    """Where JSON ends with which the output begins; `at` if it begins with none."""
    begin = at + len(output[at : at + 200]) - len(output[at : at + 200].lstrip())
    if output[begin : begin + 1] not in ("{", "[") or end - begin > JSON_MAX:
        return at
    try:
        return begin + _DECODER.raw_decode(output[begin:end])[1]
    except (ValueError, RecursionError):
        return at


def _of_json(output: str, at: int, end: int) -> Iterator[tuple[int, int]]:
    """Values that a machine made and that are no id, no time and no address."""
    for found in islice(_MEMBER.finditer(output, at, end), LINES_MAX):
        group = "item" if found["item"] else "value"
        name = found["name"] or ""
        if _is_key(found[group]) and not is_about(name) and name[-2:].lower() != "id":
            yield found.span(group)


_SETTING: Final = re.compile(r"[A-Z][A-Z0-9]{0,30}(?:_[A-Z0-9]{1,30}){1,8}=")  # of the file below
_OF_DUMP = lazy(
    r"(?:export |\|[ ]{0,20})?(?P<name>[A-Za-z_][\w.-]{0,80})(?:=|:[ \t]{1,40}|[ \t]{2,60}|[ ]{0,40}[|│][ ]{1,4})(?P<quote>[\"']?)(?P<value>[^\s\"'|│]{8,4096})(?P=quote)?(?:\s*[|│])?\Z"
)


def _of_dump(text: str, first: int) -> Iterator[tuple[int, int]]:
    """`NAME=value`, `name: value`, `name    value`: the value, if it looks made."""
    found = _OF_DUMP().match(text)
    if found is None or is_about(found["name"]) or not _suits(found["value"], SETTING):
        return
    if not harmless.is_marked(found["value"]) and MARK_OPEN not in found["value"]:
        yield first + found.start("value"), first + found.end("value")


def _is_made(text: str) -> bool:
    return (
        len(text) >= 4
        and not text.endswith(":")
        and not harmless.is_marked(text)
        and MARK_OPEN not in text
    )


def _suits(text: str, what: int) -> bool:
    """Is this a secret by its look, as far as what is known of the command leaves that open?"""
    if what == SECRET:
        return True
    if not harmless.weight(text) or harmless.plain_setting(text):
        return False
    return what == NAMED or harmless.weight(text) == harmless.HEAVY or looks_made(text)


def _words(text: str, first: int) -> Iterator[tuple[int, int]]:
    """A passphrase of several words, or passwords in columns; a sentence is none."""
    words = text.split()
    if len(words) <= 12 and all(word.isalpha() and word.islower() for word in words):
        if not harmless.is_sentence(text):
            yield first, first + len(text)
        return
    if all(len(word) >= 6 and harmless.weight(word) for word in words):
        chosen = words
    else:  # columns: only what a machine made
        chosen = [word for word in words if len(word) >= KEY_MIN and _is_key(word)]
    at = 0
    for word in chosen:
        at = text.index(word, at)
        yield first + at, first + at + len(word)
        at += len(word)


def _is_key(word: str) -> bool:
    """In columns stand names, times and ids as well."""
    return (
        harmless.weight(word) == harmless.HEAVY
        and not harmless.is_uuid(word)
        and not harmless.plain_setting(word)
        and _STAMP().match(word) is None
        and not word.startswith("arn:")
    )


def printed(scan: Scan, start: int, end: int, _data: object) -> int:
    """`$ op read op://prod/db/password` and the lines below it, to the next prompt."""
    text = scan.text
    low = max(0, start - 300)
    begin = text.rfind("\n", low, start) + 1 or low
    stop = line_end(text, end, min(scan.end, end + COMMAND_MAX))
    scan.effort += 2
    if stop >= scan.end or text[stop] != "\n":
        return 0
    line = text[begin:stop]
    prompt = _prompt(line)
    if prompt is None and begin + len(line) - len(line.lstrip()) < start - 60:
        return 0
    what = prints(line, scan.names.verdict)
    if not what:
        return 0
    limit = _block_end(scan, stop + 1, prompt)
    done = 0
    for first, last in printed_lines(text, stop + 1, limit, what):
        # Without a prompt it may be a page of a manual: only what a machine made counts.
        if prompt is None and harmless.weight(text[first:last]) != harmless.HEAVY:
            continue
        done = scan.add(first, last, "secret", ASSIGNMENT.id, is_cut=last >= scan.end)
        if prompt is None:
            break
    return done


_PROMPTS = lazy(r"[^\n$#%❯]{0,80}?[$#%❯][ ]|PS [^\n>]{0,80}> |\+ ")


def _prompt(line: str) -> str | None:
    """The prompt before a command."""
    found = _PROMPTS().match(line)
    return found.group() if found is not None and len(found.group()) < len(line) else None


def _block_end(scan: Scan, at: int, prompt: str | None) -> int:
    """Where the output below a command ends: at the next prompt, an empty line, the end."""
    text = scan.text
    for _ in range(LINES_MAX if prompt is not None else 1):
        if (
            at >= scan.end
            or text[at] == "\n"
            or (prompt is not None and text.startswith(prompt, at))
        ):
            break
        at = line_end(text, at, min(scan.end, at + LINE_CHARS_MAX)) + 1
        scan.effort += 1
    return min(at, scan.end)


PRINTED = Detector(
    name="printed",
    rule=ASSIGNMENT,
    literals=dict.fromkeys(PRINTERS),
    look=printed,
    finds=(
        "$ op read op://prod/db/password\n⟦a24⟧",
        "$ vault kv get -field=password secret/app\n⟦PA⟧\n$ echo done",
    ),
    leaves=(
        "$ pass show db\nError: db is not in the password store.",
        "$ vault kv get -field=username secret/app\nDana4412x",
        "$ op read op://prod/db/password | docker login --password-stdin\nLogin-Succeeded1",
    ),
)
