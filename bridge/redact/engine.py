"""The redactor: walks a value, sends its texts to the scanner and its names to the classifier."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line
# ruff: noqa: PLR0911 - a detector is a row of early exits

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from bridge.redact import shapes
from bridge.redact.detectors import command_line
from bridge.redact.keep import restored
from bridge.redact.names.classifier import CODE, ENV, FORCED, NONE, SURE, Verdict
from bridge.redact.policy import DEFAULT_POLICY, Policy
from bridge.redact.rules import check_off
from bridge.redact.scanner import EVENT_CHARS_MAX, TEXT_MIN, Finding, TextRedactor
from bridge.redact.spans import Scan
from bridge.redact.values import harmless

DEPTH_MAX: Final = 100  # levels of nesting; upstream cuts at 3, JSON encoders give up near 250
OWN_SECRET_MIN: Final = 8  # characters; every token seen is longer
KEY_MIN = 12  # characters of a member's name that may be a secret itself
# Identity and time of an upstream event: copied as they are.
UNTOUCHED: Final = frozenset(("id", "type", "createdAt", "created_at"))
JWK_PRIVATE: Final = ("d", "p", "q", "dp", "dq", "qi", "k", "oth")


class Redactor:
    """Replaces secrets by `[REDACTED:<kind>]`. Holds caches and counters only; one per thread.

    Raises ConfigError for a policy with an unknown rule, a broken pattern, or too many of either.
    """

    def __init__(self, policy: Policy = DEFAULT_POLICY, chars_max: int = EVENT_CHARS_MAX) -> None:
        """`chars_max`: characters of one value that are read; the rest is replaced, unread."""
        check_off(policy.off)
        self._off = policy.off
        self._keep = tuple(tuple(path.split(".")) for path in policy.keep if path)
        self._twin: Redactor | None = None
        self._use(TextRedactor(policy, chars_max))

    def _use(self, texts: TextRedactor) -> None:
        self._texts = texts
        texts.walk = self._walked
        self._text = texts.text
        self._verdict = texts.names.verdict
        self._known = texts.names.known

    def adopt(self, other: Redactor) -> None:
        """Redact by the policy of `other` from the next call on; own secrets and counts stay.

        Whoever holds this object has the new policy; `other` must not be used any more.
        """
        other._texts.own_secrets = self._texts.own_secrets
        other._texts.counts = self._texts.counts
        self._off, self._keep = other._off, other._keep
        self._use(other._texts)
        if self._twin is not None:
            self._twin.adopt(other._apart())

    def twin(self) -> Redactor:
        """The same policy for another thread (logs); always the same one. Follows what is adopted."""
        if self._twin is None:
            self._twin = self._apart()
        return self._twin

    def _apart(self) -> Redactor:
        apart = object.__new__(Redactor)
        apart._off, apart._keep, apart._twin = self._off, self._keep, None
        apart._use(self._texts.apart())
        return apart

    def value(self, obj: Any) -> Any:
        """Return a redacted copy of a JSON value; the same object when nothing was found.

        Paths to keep begin at the value, and at `data` of a record.
        """
        self._texts.begin()
        result = self._echoed(self._any(obj, 0))
        if self._keep and result is not obj:
            for path in self._keep:
                result = restored(obj, restored(obj, result, path), ("data", *path))
        return result

    def event(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return a redacted copy of an upstream event; ids, `type` and times pass untouched."""
        self._texts.begin()
        rest = {key: item for key, item in data.items() if key not in UNTOUCHED}
        done = iter(self._echoed(self._dict(rest, 0)).items())
        result = dict((key, data[key]) if key in UNTOUCHED else next(done) for key in data)
        for path in self._keep:
            result = restored(dict(data), result, path)
        return result

    def text(self, s: str) -> str:
        """Return the text with every secret replaced, also where it is repeated."""
        self._texts.begin()
        result = self._text(s)
        return self._echoed(result) if self._texts.echoes else result

    def protect(self, secrets: Iterable[str]) -> None:
        """Replace these wherever they stand, whatever they look like: the program's own tokens.

        Ones shorter than 8 characters are ignored: they would stand in innocent words.
        """
        known = {secret for secret in secrets if len(secret) >= OWN_SECRET_MIN}
        self._texts.own_secrets = tuple(sorted(known, key=lambda secret: (-len(secret), secret)))
        if self._twin is not None:
            self._twin.protect(known)

    def take_counts(self) -> dict[str, int]:
        """Return replacements by rule id since the last call."""
        counts, self._texts.counts = self._texts.counts, {}
        for rule, count in self._twin.take_counts().items() if self._twin is not None else ():
            counts[rule] = counts.get(rule, 0) + count
        return counts

    def trace(self, obj: Any) -> tuple[Any, list[Finding]]:
        """Redact and tell what was found. Findings hold the texts: for `explain`, never for logs."""
        found: list[Finding] = []
        self._texts.trace = found
        try:
            return self.value(obj), found
        finally:
            self._texts.trace = None

    def _walked(self, tree: Any) -> Any:
        """A JSON text as a tree; deep enough below an event to be cut as deep as one."""
        return self._any(tree, DEPTH_MAX // 2)

    # -- structure -----------------------------------------------------------------------------

    def _any(self, obj: Any, depth: int) -> Any:
        kind = type(obj)
        if kind is str:
            return self._text(obj)
        if kind is dict:
            return self._dict(obj, depth)
        if kind is list:
            return self._list(obj, depth)
        return self._other(obj, depth)

    def _other(self, obj: Any, depth: int) -> Any:
        """What JSON does not know but a log line may hold."""
        if isinstance(obj, str):
            new = self._text(str(obj))
            return obj if new == obj else new
        if isinstance(obj, tuple):
            return tuple(self._list(list(obj), depth))
        if isinstance(obj, Mapping):
            return self._dict(dict(obj), depth)
        return obj

    def _dict(self, obj: dict[str, Any], depth: int) -> Any:  # noqa: C901, PLR0912 - one branch per notation
        if depth >= DEPTH_MAX:
            return self._texts.mark("unscanned", "unscanned") if obj else obj
        changed: dict[str, Any] | None = None
        known = self._known
        text = self._text
        for key, item in obj.items():
            verdict = known.get(key)
            if verdict is None:
                verdict = self._verdict(key)
            kind = type(item)
            if verdict.grade != NONE and not ("logprob" in obj and key == "token"):
                new = self._named(item, verdict, depth + 1)
            elif kind is str:
                if len(item) < TEXT_MIN:
                    continue
                new = text(item)
            elif kind is dict:
                new = self._dict(item, depth + 1)
            elif kind is list:
                new = self._list(item, depth + 1)
            elif item is None or kind is int or kind is bool or kind is float:
                continue
            else:
                new = self._other(item, depth + 1)
            if new is not item:
                if changed is None:
                    changed = dict(obj)
                changed[key] = new
        if not shapes.SPECIAL.isdisjoint(obj):
            changed = self._special(obj, changed, depth)
        return self._keys(obj if changed is None else changed)

    def _member(self, key: str, item: Any, depth: int) -> Any:
        verdict = self._verdict(key)
        if verdict.grade == NONE:
            return self._any(item, depth + 1)
        return self._named(item, verdict, depth + 1)

    def _special(
        self, obj: dict[str, Any], changed: dict[str, Any] | None, depth: int
    ) -> dict[str, Any] | None:
        """JSON web keys and `{name, value}` pairs."""
        fresh: dict[str, Any] = {}
        if "kty" in obj and "jwk" not in self._off:
            for key in JWK_PRIVATE:
                item = obj.get(key)
                if type(item) is str and len(item) >= 8 and not harmless.is_marked(item):
                    fresh[key] = self._texts.replace(item, "private-key", "jwk")
        if obj.get("kind") == "Secret" and "key-name" not in self._off:
            changed = self._kubernetes(obj, changed)
        typed = shapes.typed_into(obj, self._verdict)
        if typed.grade != NONE:
            for key in shapes.TYPED:
                if type(obj.get(key)) is str and (changed is None or changed[key] is obj[key]):
                    fresh[key] = self._named(obj[key], typed, depth + 1)
        name = shapes.pair_name(obj)
        if name is not None and (verdict := self._verdict(name)).grade not in (NONE, ENV):
            for key in shapes.VALUE_MEMBERS & obj.keys():
                if changed is None or changed[key] is obj[key]:
                    fresh[key] = self._named(obj[key], verdict, depth + 1)
        if any(new is not obj[key] for key, new in fresh.items()):
            return {**(obj if changed is None else changed), **fresh}
        return changed

    def _kubernetes(self, obj: dict[str, Any], changed: dict[str, Any] | None) -> dict[str, Any]:
        result = obj if changed is None else changed
        for member, name, value in shapes.secret_values(obj):
            if result[member].get(name) is value and not harmless.harmless_text(value, ()):
                mark = self._texts.replace(value, "secret", "key-name")
                result = {**result, member: {**result[member], name: mark}}
        return result

    def _keys(
        self, obj: dict[str, Any], rename: Callable[[str], str] | None = None
    ) -> dict[str, Any]:
        """Replace names that are secrets themselves, keeping order and number of members."""
        renamed: dict[str, str] = {}
        text = self._text if rename is None else rename
        for key in obj:
            if len(key) >= KEY_MIN and (new := text(key)) is not key:
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
            return self._texts.mark("unscanned", "unscanned") if obj else obj
        changed: list[Any] | None = None
        texts = 0
        for at, item in enumerate(obj):
            new = self._any(item, depth + 1)
            texts += type(item) is str
            if new is not item:
                if changed is None:
                    changed = list(obj)
                changed[at] = new
        if texts > 1 and "argv" not in self._off:
            return self._arguments(obj, changed)
        return obj if changed is None else changed

    def _arguments(self, obj: list[Any], changed: list[Any] | None) -> list[Any]:
        """Lists whose strings explain each other: `--flag value`, `[name, value]`, raw headers."""
        found: dict[int, str] = {}
        for at, verdict in shapes.explained(obj, self._verdict):
            item = obj[at]
            if (changed is None or changed[at] is item) and shapes.is_secret_value(item, verdict):
                found[at] = self._texts.replace(item, verdict.kind, "argv")
        if type(obj[0]) is str and "command-line" not in self._off:
            found.update(self._command(obj, changed, found))
        if not found:
            return obj if changed is None else changed
        return [found.get(at, item) for at, item in enumerate(changed or obj)]

    def _command(
        self, obj: list[Any], changed: list[Any] | None, found: Mapping[int, str]
    ) -> dict[int, str]:
        """`["mysql", "-pX"]`: read as the command line it is."""
        line, starts = shapes.command_line(obj)
        if not line:
            return {}
        scan = Scan(line, line.lower())
        name = obj[0].rsplit("/", 1)[-1]
        command_line.program(
            scan, len(obj[0]) - len(name), len(obj[0]), command_line.PROGRAMS[name]
        )
        more: dict[int, str] = {}
        for span in scan.spans:
            for at, start in enumerate(starts):
                item = obj[at]
                if not start <= span.start < start + len(item) or at in found:
                    continue
                if changed is None or changed[at] is item:
                    cut = span.start - start
                    mark = self._texts.replace(item[cut:], span.kind, span.rule, item, cut)
                    more[at] = item[:cut] + mark
        return more

    def _named(self, item: Any, verdict: Verdict, depth: int) -> Any:
        """A value below a name that means something."""
        kind = type(item)
        rule = "policy-key" if verdict.grade == FORCED else "key-name"
        if kind is str:
            is_named = verdict.grade != ENV and rule not in self._off
            if is_named and shapes.is_secret_value(item, verdict):
                return self._texts.replace(item, verdict.kind, rule)
            return self._text(item)
        if kind is int or kind is float:
            if rule not in self._off and shapes.is_secret_number(item, verdict):
                return self._texts.mark(verdict.kind, rule, str(item))
            return item
        if depth >= DEPTH_MAX or (kind is not dict and kind is not list):
            return self._any(item, depth)
        if kind is list:
            return self._named_list(item, verdict, depth)
        if verdict.grade == ENV:
            return self._env(item, depth)
        if rule in self._off:
            return self._dict(item, depth)
        return self._credential(item, verdict, depth)

    def _env(self, obj: dict[str, Any], depth: int) -> Any:
        fresh = {key: self._variable(key, item, depth) for key, item in obj.items()}
        if all(fresh[key] is item for key, item in obj.items()):
            return self._keys(obj)
        return self._keys(fresh)

    def _variable(self, key: str, item: Any, depth: int) -> Any:
        new = self._member(key, item, depth)
        if new is not item or type(item) is not str or "env" in self._off:
            return new
        return item if shapes.is_public_env(key, item) else self._texts.replace(item, "env", "env")

    def _named_list(self, obj: list[Any], verdict: Verdict, depth: int) -> Any:
        items = [self._named_item(item, verdict, depth) for item in obj]
        if any(new is not old for new, old in zip(items, obj, strict=True)):
            return items
        return obj

    def _named_item(self, item: Any, verdict: Verdict, depth: int) -> Any:
        if verdict.grade != ENV:
            return self._named(item, verdict, depth + 1)
        if type(item) is str:
            return self._env_line(item, depth)
        if type(item) is dict and (name := shapes.pair_name(item)) is not None:
            value = item.get("value")
            if type(value) is str and (new := self._variable(name, value, depth)) is not value:
                return {**item, "value": new}
        return self._any(item, depth + 1)

    def _env_line(self, item: str, depth: int) -> str:
        name, sign, rest = item.partition("=")
        if not sign or not name.replace("_", "").isalnum():
            return self._text(item)
        new = self._variable(name, rest, depth)
        return item if new is rest else f"{name}={new}"

    def _credential(self, obj: dict[str, Any], verdict: Verdict, depth: int) -> Any:
        """An object below a credential's name: its texts are secret, but for what is beside it."""
        done = self._dict(obj, depth)
        if type(done) is not dict:
            return done
        fresh: dict[str, Any] = {}
        if verdict.words[-1:] and verdict.words[-1] in shapes.ALL_SECRET:
            verdict = verdict._replace(kind="password")  # any value with some weight
        for key, item in done.items():
            if not shapes.is_beside(key):
                own = self._verdict(key)
                if own.grade != ENV:
                    use = own if own.grade in (SURE, CODE, FORCED) else verdict
                    fresh[key] = self._named(item, use, depth + 1)
        if all(new is done[key] for key, new in fresh.items()):
            return done
        return {**done, **fresh}

    # -- echoes --------------------------------------------------------------------------------

    def _echoed(self, obj: Any) -> Any:
        """Replace, in the rest of the event, the values that were found once."""
        if not self._texts.echoes or "echo" in self._off:
            return obj
        values = sorted(self._texts.echoes, key=lambda value: (-len(value), value))
        return self._echo(obj, values)

    def _echo(self, obj: Any, values: list[str]) -> Any:
        kind = type(obj)
        if kind is str:
            return self._texts.echoed(obj, values)
        if kind is dict:
            fresh = {key: self._echo(item, values) for key, item in obj.items()}
            same = all(fresh[key] is item for key, item in obj.items())
            return self._keys(obj if same else fresh, lambda key: self._texts.echoed(key, values))
        if kind is list:
            items = [self._echo(item, values) for item in obj]
            return items if any(a is not b for a, b in zip(items, obj, strict=True)) else obj
        return obj
