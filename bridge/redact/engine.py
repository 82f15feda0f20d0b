"""The redactor that people hold: its policy, its twin for another thread, and echoes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from bridge.redact.expressions import compile_all
from bridge.redact.keep import restored
from bridge.redact.memory import Memory
from bridge.redact.policy import DEFAULT_POLICY, Policy
from bridge.redact.rules import check_off
from bridge.redact.scanner import EVENT_CHARS_MAX, Finding
from bridge.redact.tree import TreeRedactor

OWN_SECRET_MIN: Final = 8  # characters; every token seen is longer
# Identity and time of an upstream event: copied as they are.
UNTOUCHED: Final = frozenset(("id", "type", "createdAt", "created_at"))


FRAGMENT: Final = "assistant_delta"  # `payload.kind` of a text that comes in fragments


def _is_fragment(data: Mapping[str, Any]) -> bool:
    payload = data.get("payload")
    return type(payload) is dict and payload.get("kind") == FRAGMENT


class Redactor:
    """Replaces secrets by `[REDACTED:<kind>]`. Holds caches and counters only; one per thread.

    Raises:
        ConfigError: The policy has an unknown rule, a broken pattern, or too many patterns.
    """

    def __init__(
        self,
        policy: Policy = DEFAULT_POLICY,
        chars_max: int = EVENT_CHARS_MAX,
        *,
        compile_later: bool = False,
    ) -> None:
        """Build the policy's automaton and compile all expressions.

        Args:
            policy: What to look for.
            chars_max: Characters of one value that are read; the rest is replaced, unread.
            compile_later: Compile an expression when a text first needs it, and build a smaller
                automaton. A short process is done sooner, but its events take longer.
        """
        check_off(policy.off)
        if not compile_later:
            compile_all()
        self._keep = tuple(tuple(path.split(".")) for path in policy.keep if path)
        self._twin: Redactor | None = None
        self._tree = TreeRedactor(policy, chars_max, is_quick=not compile_later)

    def adopt(self, other: Redactor) -> None:
        """Redact by the policy of `other` from the next call on; own secrets and counts stay.

        Whoever holds this object has the new policy; `other` must not be used any more.
        """
        other._tree.own_secrets = self._tree.own_secrets
        other._tree.counts = self._tree.counts
        other._tree.forget()
        self._tree, self._keep = other._tree, other._keep
        if self._twin is not None:
            self._twin.adopt(other._apart())

    def twin(self) -> Redactor:
        """The same policy for another thread (logs); follows what is adopted."""
        if self._twin is None:
            self._twin = self._apart()
        return self._twin

    def aside(self) -> Redactor:
        """The same policy and own secrets, for one event that is read in another thread.

        What it counted is added by `add_counts`, here, when it is done.
        """
        return self._apart()

    def add_counts(self, counts: Mapping[str, int]) -> None:
        """Count replacements that another redactor made for this one."""
        for rule, count in counts.items():
            self._tree.counts[rule] = self._tree.counts.get(rule, 0) + count

    def _apart(self) -> Redactor:
        apart = object.__new__(Redactor)
        apart._tree, apart._keep, apart._twin = self._tree.apart(), self._keep, None
        return apart

    def value(self, obj: Any, memory: Memory | None = None) -> Any:
        """Return a redacted copy of a JSON value; the same object when nothing was found.

        Paths to keep begin at the value, and at `data` of a record. `memory`: of the values before.
        """
        self._tree.begin(memory)
        result = self._echoed(self._tree.any(obj, 0))
        if self._keep and result is not obj:
            for path in self._keep:
                result = restored(obj, restored(obj, result, path), ("data", *path))
        return result

    def event(self, data: Mapping[str, Any], memory: Memory | None = None) -> Mapping[str, Any]:
        """Return a redacted copy of an upstream event; the same object when nothing was found.

        Ids, `type` and times pass untouched.

        `memory`: of the feed that the event belongs to. With it an event is read in the light of
        those before it, in their order: a command's output, a text in fragments.
        """
        self._tree.begin(memory)
        rest = dict(data)
        for key in UNTOUCHED:
            rest.pop(key, None)
        found = self._tree.dict_(rest, 0)
        if memory is not None and _is_fragment(rest):
            found = self._tree.went_on(rest, found, memory)
        if self._tree.echoes:
            found = self._echoed(found)
        if found is rest:
            return data
        if type(found) is not dict:  # more names than may be read
            result = {key: item for key, item in data.items() if key in UNTOUCHED}
            result["message"] = found
        elif found.keys() == rest.keys():
            result = {**data, **found}
        else:  # a name was replaced: by one in its place
            done = iter(found.items())
            result = dict((key, data[key]) if key in UNTOUCHED else next(done) for key in data)
        for path in self._keep:
            result = restored(dict(data), result, path)
        return result

    def text(self, s: str) -> str:
        """Return the text with every secret replaced, also where it is repeated."""
        self._tree.begin()
        result = self._tree.text(s)
        return self._echoed(result) if self._tree.echoes else result

    def protect(self, secrets: Iterable[str]) -> None:
        """Replace these wherever they stand, whatever they look like: the program's own tokens.

        Ones shorter than 8 characters are ignored: they would stand in innocent words.
        """
        known = {secret for secret in secrets if len(secret) >= OWN_SECRET_MIN}
        self._tree.own_secrets = tuple(sorted(known, key=lambda secret: (-len(secret), secret)))
        self._tree.forget()
        if self._twin is not None:
            self._twin.protect(known)

    def take_counts(self) -> dict[str, int]:
        """Return replacements by rule id since the last call."""
        counts, self._tree.counts = self._tree.counts, {}
        for rule, count in self._twin.take_counts().items() if self._twin is not None else ():
            counts[rule] = counts.get(rule, 0) + count
        return counts

    def trace(self, obj: Any) -> tuple[Any, list[Finding]]:
        """Redact and tell what was found. Findings hold texts: for `explain`, never for logs."""
        found: list[Finding] = []
        self._tree.trace = found
        try:
            return self.value(obj), found
        finally:
            self._tree.trace = None

    # -- echoes --------------------------------------------------------------------------------

    def _echoed(self, obj: Any) -> Any:
        """Replace, in the rest of the event, the values that were found once."""
        if not self._tree.echoes or "echo" in self._tree.off:
            return obj
        values = sorted(self._tree.echoes, key=lambda value: (-len(value), value))
        return self._echo(obj, values, len(values[-1]))

    def _echo(self, obj: Any, values: list[str], least: int) -> Any:
        """`least`: characters of the shortest of the values; no shorter text holds one."""
        kind = type(obj)
        if kind is str:
            return self._tree.echoed(obj, values) if len(obj) >= least else obj
        if kind is dict:
            fresh = obj
            for key, item in obj.items():
                if type(item) is str and len(item) < least:
                    continue
                new = self._echo(item, values, least)
                if new is not item:
                    fresh = dict(obj) if fresh is obj else fresh
                    fresh[key] = new
            long = [key for key in obj if len(key) >= least]
            if not long or not any(value in key for key in long for value in values):
                return fresh
            return self._tree.renamed(fresh, lambda key: self._tree.echoed(key, values))
        if kind is list:
            items = [self._echo(item, values, least) for item in obj]
            return items if any(a is not b for a, b in zip(items, obj, strict=True)) else obj
        return obj
