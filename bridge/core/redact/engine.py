"""The redactor: walks a value, scans its texts, replaces what was found, counts by rule."""

from __future__ import annotations

import fnmatch
import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from bridge.core.redact import anchors, benign, walk
from bridge.core.redact.fold import fold, offsets
from bridge.core.redact.keys import CODE, ENV, FORCED, NONE, PLAIN, SURE, Verdict, classify
from bridge.core.redact.policy import DEFAULT_POLICY, Policy
from bridge.core.redact.spans import MARK_OPEN, Scan, Span, merged

DEPTH_MAX: Final = 100  # levels of nesting; upstream cuts at 3, JSON encoders give up near 250
TEXT_MIN = 6  # a shorter text holds no secret that could be recognised
# What a text may cost, in values read of up to 32 characters each; then it fails closed. Ordinary
# JSON names a value every 16 characters at most; hostile text names long ones everywhere.
EFFORT_FREE = 600
EFFORT_PER = 16  # one more for so many characters
ECHOES_MAX = 64  # values of one event that are searched in the rest of it
ECHO_LENGTH_MIN = 8
CACHE_MAX = 8192  # key names remembered; a name is at most `CACHED_NAME_MAX` characters
CACHED_NAME_MAX = 96
UNTOUCHED: Final = frozenset(("id", "type", "createdAt", "created_at", "timestamp", "time"))
JWK_PRIVATE: Final = frozenset(("d", "p", "q", "dp", "dq", "qi", "k", "oth"))
UNSCANNED: Final = "[REDACTED:unscanned]"


class Redactor:
    """Replaces secrets by `[REDACTED:<kind>]`. Holds caches and counters only; one per thread."""

    def __init__(self, policy: Policy = DEFAULT_POLICY) -> None:
        self._off = policy.off
        self._globs = tuple(re.compile(fnmatch.translate(_plain(glob))) for glob in policy.keys)
        self._patterns = tuple((name, re.compile(pattern)) for name, pattern in policy.patterns)
        self._keep = tuple(tuple(path.split(".")) for path in policy.keep)
        self._print_key = policy.fingerprint_key
        self._find = anchors.build(policy.off, _literals(policy.keys)).iter
        self._counts: dict[str, int] = {}
        self._verdicts: dict[str, Verdict] = {}
        self._echoes: dict[str, str] = {}

    def value(self, obj: Any) -> Any:
        """Return a redacted copy of a JSON value; the same object when nothing was found."""
        self._echoes.clear()
        return self._echoed(self._any(obj, 0))

    def event(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return a redacted copy of an upstream event; id, type and times pass untouched."""
        self._echoes.clear()
        result: dict[str, Any] = {}
        for key, item in data.items():
            if key in UNTOUCHED:
                result[key] = item
            else:
                result[key] = self._member(key, item, 0)
        if self._echoes:
            for key, item in result.items():
                if key not in UNTOUCHED:
                    result[key] = self._echoed(item)
        return result

    def text(self, s: str) -> str:
        """Return the text with every secret replaced."""
        self._echoes.clear()
        result = self._text(s)
        return self._echoed(result) if self._echoes else result

    def take_counts(self) -> dict[str, int]:
        """Return replacements by rule id since the last call."""
        counts, self._counts = self._counts, {}
        return counts

    # -- structure -----------------------------------------------------------------------------

    def _any(self, obj: Any, depth: int) -> Any:
        kind = type(obj)
        if kind is str:
            return self._text(obj)
        if kind is dict:
            return self._dict(obj, depth)
        if kind is list:
            return self._list(obj, depth)
        return obj

    def _dict(self, obj: dict[str, Any], depth: int) -> Any:
        if depth >= DEPTH_MAX:
            return self._mark("unscanned", "unscanned") if obj else obj
        changed: dict[str, Any] | None = None
        verdicts = self._verdicts
        for key, item in obj.items():
            verdict = verdicts.get(key)
            if verdict is None:
                verdict = self._verdict(key)
            kind = type(item)
            if verdict.grade == NONE:
                if kind is str:
                    new = self._text(item) if len(item) >= TEXT_MIN else item
                elif kind is dict:
                    new = self._dict(item, depth + 1)
                elif kind is list:
                    new = self._list(item, depth + 1)
                else:
                    continue
            else:
                new = self._named(item, verdict, depth + 1)
            if new is not item:
                if changed is None:
                    changed = dict(obj)
                changed[key] = new
        if (
            "value" in obj
            or "Value" in obj
            or "kty" in obj
            or "ParameterValue" in obj
            or "val" in obj
        ):
            changed = self._special(obj, changed, depth)
        return self._keys(obj if changed is None else changed)

    def _member(self, key: str, item: Any, depth: int) -> Any:
        verdict = self._verdicts.get(key) or self._verdict(key)
        if verdict.grade == NONE:
            return self._any(item, depth + 1)
        return self._named(item, verdict, depth + 1)

    def _special(
        self, obj: dict[str, Any], changed: dict[str, Any] | None, depth: int
    ) -> dict[str, Any] | None:
        """`{name, value}` pairs and JSON web keys."""
        if "kty" in obj and "jwk" not in self._off:
            for key in JWK_PRIVATE:
                item = obj.get(key)
                if type(item) is str and len(item) >= 8 and not benign.is_marked(item):
                    changed = dict(obj) if changed is None else changed
                    changed[key] = self._replace(item, "private-key", "jwk")
        name = walk.pair_name(obj)
        if name is None:
            return changed
        verdict = self._verdict(name)
        if verdict.grade in (NONE, ENV):
            return changed
        for key, item in obj.items():
            if key in walk.VALUE_MEMBERS and not (changed is not None and changed[key] is not item):
                new = self._named(item, verdict, depth + 1)
                if new is not item:
                    changed = dict(obj) if changed is None else changed
                    changed[key] = new
        return changed

    def _keys(self, obj: dict[str, Any]) -> dict[str, Any]:
        """Replace keys that are secrets themselves, keeping order and number of members."""
        renamed: dict[str, str] = {}
        for key in obj:
            if len(key) >= 12:
                new = self._text(key)
                if new is not key:
                    renamed[key] = new
        if not renamed:
            return obj
        taken = {key for key in obj if key not in renamed}
        for key in sorted(renamed):
            name = renamed[key]
            number = 2
            while name in taken:
                name = f"{renamed[key]}~{number}"
                number += 1
            taken.add(name)
            renamed[key] = name
        return {renamed.get(key, key): item for key, item in obj.items()}

    def _list(self, obj: list[Any], depth: int) -> Any:
        if depth >= DEPTH_MAX:
            return self._mark("unscanned", "unscanned") if obj else obj
        changed: list[Any] | None = None
        texts = 0
        for at, item in enumerate(obj):
            kind = type(item)
            if kind is str:
                texts += 1
                new = self._text(item) if len(item) >= TEXT_MIN else item
            elif kind is dict:
                new = self._dict(item, depth + 1)
            elif kind is list:
                new = self._list(item, depth + 1)
            else:
                continue
            if new is not item:
                if changed is None:
                    changed = list(obj)
                changed[at] = new
        if texts > 1 and "argv" not in self._off:
            return self._arguments(obj, changed)
        return obj if changed is None else changed

    def _arguments(self, obj: list[Any], changed: list[Any] | None) -> list[Any]:
        """Lists whose strings explain each other: `--flag value`, `[name, value]`, raw headers."""
        flat = walk.names_then_values(obj)
        for at in range(len(obj) - 1):
            name, item = obj[at], obj[at + 1]
            if type(name) is not str or type(item) is not str or not name or not item:
                continue
            if name[0] == "-":
                verdict = walk.flag_verdict(name, self._verdict)
                if item[0] == "-" and len(item) < 8:
                    continue
            elif flat and at % 2 == 0:
                verdict = self._verdict(name)
                if len(obj) > 2 and not benign.weight(item.split(" ")[-1]):
                    continue
            else:
                continue
            if verdict.grade in (NONE, ENV) or (
                changed is not None and changed[at + 1] is not item
            ):
                continue
            if walk.is_secret_value(item, verdict):
                changed = list(obj) if changed is None else changed
                changed[at + 1] = self._replace(item, verdict.kind, "argv")
        if type(obj[0]) is str and len(obj) <= 64:
            changed = self._command(obj, changed)
        return obj if changed is None else changed

    def _command(self, obj: list[Any], changed: list[Any] | None) -> list[Any] | None:
        """`["mysql", "-pX"]`: read as the command line it is."""
        program = obj[0].rsplit("/", 1)[-1]
        if program not in anchors.cli.PROGRAMS or "command-line" in self._off:
            return changed
        if not all(type(item) is str and "\n" not in item and len(item) < 512 for item in obj):
            return changed
        line = " ".join(obj)
        ends: list[int] = []
        total = 0
        for item in obj:
            ends.append(total)
            total += len(item) + 1
        scan = Scan(line, line.lower())
        size = len(program)
        anchors.cli.program(scan, len(obj[0]) - size, len(obj[0]), anchors.cli.PROGRAMS[program])
        for span in scan.spans:
            for at, begin in enumerate(ends):
                item = obj[at]
                if begin <= span.start < begin + len(item) and (
                    changed is None or changed[at] is item
                ):
                    changed = list(obj) if changed is None else changed
                    cut = span.start - begin
                    changed[at] = item[:cut] + self._replace(item[cut:], span.kind, span.rule)
        return changed

    def _named(self, item: Any, verdict: Verdict, depth: int) -> Any:
        """A value below a name that means something."""
        kind = type(item)
        if kind is str:
            if verdict.grade != ENV and walk.is_secret_value(item, verdict):
                rule = "policy-key" if verdict.grade == FORCED else "key-name"
                if rule not in self._off:
                    return self._replace(
                        item, verdict.kind if verdict.kind != "key" else "api-key", rule
                    )
            return self._text(item) if len(item) >= TEXT_MIN else item
        if kind is int or kind is float:
            if "key-name" not in self._off and walk.is_secret_number(item, verdict):
                return self._mark(verdict.kind, "key-name")
            return item
        if depth >= DEPTH_MAX:
            return self._any(item, depth)
        if kind is dict:
            return (
                self._env(item, depth)
                if verdict.grade == ENV
                else self._credential(item, verdict, depth)
            )
        if kind is list:
            return self._named_list(item, verdict, depth)
        return item

    def _env(self, obj: dict[str, Any], depth: int) -> Any:
        changed: dict[str, Any] | None = None
        for key, item in obj.items():
            new = self._variable(key, item, depth)
            if new is not item:
                changed = dict(obj) if changed is None else changed
                changed[key] = new
        return self._keys(obj if changed is None else changed)

    def _variable(self, key: str, item: Any, depth: int) -> Any:
        new = self._member(key, item, depth)
        if (
            new is item
            and type(item) is str
            and "env" not in self._off
            and not walk.is_public_env(key, item)
        ):
            return self._replace(item, "env", "env")
        return new

    def _named_list(self, obj: list[Any], verdict: Verdict, depth: int) -> Any:
        changed: list[Any] | None = None
        for at, item in enumerate(obj):
            if verdict.grade == ENV and type(item) is str:
                new = self._env_line(item, depth)
            elif verdict.grade == ENV:
                new = self._env_pair(item, depth)
            else:
                new = self._named(item, verdict, depth + 1)
            if new is not item:
                changed = list(obj) if changed is None else changed
                changed[at] = new
        return obj if changed is None else changed

    def _env_line(self, item: str, depth: int) -> str:
        name, sign, rest = item.partition("=")
        if not sign or not name.replace("_", "").isalnum():
            return self._text(item)
        new = self._variable(name, rest, depth)
        return item if new is rest else f"{name}={new}"

    def _env_pair(self, item: Any, depth: int) -> Any:
        if type(item) is dict and (name := walk.pair_name(item)) and type(item.get("value")) is str:
            new = self._variable(name, item["value"], depth)
            if new is not item["value"]:
                return {**item, "value": new}
        return self._any(item, depth + 1)

    def _credential(self, obj: dict[str, Any], verdict: Verdict, depth: int) -> Any:
        """An object below a credential's name: its texts are secret, but for what is beside it."""
        done = self._dict(obj, depth)
        changed: dict[str, Any] | None = None
        for key, item in done.items():
            if item is not obj.get(key, item) or walk.is_beside(key):
                continue
            own = self._verdict(key)
            if own.grade == ENV:
                continue
            use = own if own.grade in (SURE, CODE, FORCED) else verdict
            if own.grade == NONE and own is not PLAIN and verdict.grade != SURE:
                continue
            new = self._named(item, use, depth + 1)
            if new is not item:
                changed = dict(done) if changed is None else changed
                changed[key] = new
        return done if changed is None else changed

    def _verdict(self, key: str) -> Verdict:
        known = self._verdicts.get(key)
        if known is not None:
            return known
        verdict = PLAIN
        if self._globs and len(key) <= CACHED_NAME_MAX:
            plain = _plain(key)
            if any(glob.match(plain) for glob in self._globs):
                verdict = Verdict(FORCED, "secret", ())
        if verdict is PLAIN:
            verdict = classify(key)
        if (
            verdict.grade != NONE
            and verdict.grade != FORCED
            and "key-name" in self._off
            and verdict.grade != ENV
        ):
            verdict = PLAIN
        if len(key) <= CACHED_NAME_MAX:
            if len(self._verdicts) >= CACHE_MAX:
                self._verdicts.clear()
            self._verdicts[key] = verdict
        return verdict

    # -- text ----------------------------------------------------------------------------------

    def _text(self, s: str) -> str:
        if len(s) < TEXT_MIN:
            return s
        plain = s.isascii()
        text = s if plain else fold(s)
        low = text.lower()
        for _ in self._find(low):
            return self._scan(s, text, low)
        if self._patterns:
            return self._scan(s, text, low)
        return s

    def _scan(self, s: str, text: str, low: str) -> str:
        scan = Scan(text, low)
        try:
            self._detect(scan)
        except Exception:  # noqa: BLE001 - whatever breaks: the text must not pass unread
            self._count("unscanned")
            return UNSCANNED
        if not scan.spans:
            return s
        return self._apply(s, scan)

    def _detect(self, scan: Scan) -> None:
        skip = 0
        budget = EFFORT_FREE + scan.end // EFFORT_PER
        end = scan.end
        for last, found in self._find(scan.low):
            for size, detect, data in found:
                start = last + 1 - size
                if start < skip:
                    continue
                if start >= end:
                    return
                if scan.effort > budget:
                    scan.add(start, end, "unscanned", "unscanned", is_cut=True)
                    return
                done = detect(scan, start, last + 1, data)
                if done > skip:
                    skip = done
        for _name, pattern in self._patterns:
            for match in pattern.finditer(scan.text):
                group = "secret" if "secret" in pattern.groupindex else 0
                if match.end(group) > match.start(group) and not benign.is_marked(
                    match.group(group)
                ):
                    scan.add(match.start(group), match.end(group), "secret", "policy-pattern")

    def _apply(self, s: str, scan: Scan) -> str:
        spans = merged(scan.spans)
        text = scan.text
        at = offsets(s) if len(text) != len(s) else None
        parts: list[str] = []
        done = 0
        for span in spans:
            if MARK_OPEN in text[span.start : span.end] and len(text[span.start : span.end]) < 64:
                continue
            first, last = (at[span.start], at[span.end]) if at else (span.start, span.end)
            if first < done:
                continue
            parts.append(s[done:first])
            parts.append(span.quote + self._replacement(s[first:last], span) + span.quote)
            done = last
        if not done:
            return s
        parts.append(s[done:])
        return "".join(parts)

    def _replacement(self, secret: str, span: Span) -> str:
        if span.is_cut:
            self._count(span.rule)
            return f"{MARK_OPEN}{span.kind}]"
        return self._replace(secret, span.kind, span.rule)

    def _replace(self, secret: str, kind: str, rule: str) -> str:
        """Count, remember for the rest of the event, and return the marker."""
        if ECHO_LENGTH_MIN <= len(secret) <= 512 and len(self._echoes) < ECHOES_MAX:
            if benign.weight(secret):
                self._echoes[secret] = kind
        mark = self._mark(kind, rule)
        if self._print_key is not None:
            print_ = hashlib.blake2s(
                secret.encode("utf-8", "surrogatepass"), key=self._print_key[:32], digest_size=5
            ).hexdigest()
            return f"{mark[:-1]}:{print_}]"
        return mark

    def _mark(self, kind: str, rule: str) -> str:
        self._count(rule)
        return f"{MARK_OPEN}{kind}]"

    def _count(self, rule: str) -> None:
        self._counts[rule] = self._counts.get(rule, 0) + 1

    # -- echoes --------------------------------------------------------------------------------

    def _echoed(self, obj: Any) -> Any:
        """Replace, in the rest of the event, the values that were found once."""
        if not self._echoes or "echo" in self._off:
            return obj
        values = sorted(self._echoes, key=lambda value: (-len(value), value))
        return self._echo(obj, values)

    def _echo(self, obj: Any, values: list[str]) -> Any:
        kind = type(obj)
        if kind is str:
            return self._echo_text(obj, values)
        if kind is dict:
            fresh = {key: self._echo(item, values) for key, item in obj.items()}
            if any(fresh[key] is not item for key, item in obj.items()):
                return fresh
            return obj
        if kind is list:
            items = [self._echo(item, values) for item in obj]
            if any(new is not old for new, old in zip(items, obj, strict=True)):
                return items
        return obj

    def _echo_text(self, s: str, values: list[str]) -> str:
        if len(s) < ECHO_LENGTH_MIN:
            return s
        result = s
        for value in values:
            if value in result:
                result = result.replace(value, f"{MARK_OPEN}{self._echoes[value]}]")
                self._count("echo")
        return result


def _plain(name: str) -> str:
    return re.sub(r"[\s_.\-]", "", name).lower()


def _literals(globs: tuple[str, ...]) -> list[str]:
    """The longest fixed part of each glob: where a text may name such a key."""
    parts = (max(re.split(r"[*?\[\]_.\- ]", glob), key=len) for glob in globs)
    return [part.lower() for part in parts if len(part) >= 3]
