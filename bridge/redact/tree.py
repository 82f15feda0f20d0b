"""The walk over a tree: which texts to read, and which values a name or a neighbour makes secret."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line
# ruff: noqa: PLR0911 - a detector is a row of early exits

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from bridge.redact import shapes, tool_calls
from bridge.redact.detectors import printed
from bridge.redact.memory import Memory
from bridge.redact.names.classifier import CODE, ENV, FORCED, NONE, SURE, Verdict
from bridge.redact.plans import KEY_MIN, Plans
from bridge.redact.policy import Policy
from bridge.redact.scanner import EVENT_CHARS_MAX, TEXT_MIN, TextRedactor
from bridge.redact.spans import replaced
from bridge.redact.values import harmless

DEPTH_MAX: Final = 100  # levels of nesting; upstream cuts at 3, JSON encoders give up near 250
EVENT_VALUES_MAX: Final = 262_144  # members and items of one event; upstream cuts at 25 a list
NAME_VALUES: Final = 12  # of them for a member whose name is judged
OUTPUT_DEPTH_MAX: Final = 4  # levels below a command that hold what it printed
# How some agents head what a command printed.
_OUTPUT_BELOW: Final = re.compile(r"(?:\A|\n)(?:Output|Stdout|STDOUT):[ \n]")
_PLAIN_KINDS: Final = frozenset((int, float, bool, type(None)))  # of values that hold no text
JWK_PRIVATE: Final = ("d", "p", "q", "dp", "dq", "qi", "k", "oth")


class TreeRedactor(TextRedactor):
    """Redacts trees of JSON. Every method returns the same object when it finds nothing.

    `memory`: of the feed that is being read, None for a value that stands alone.
    """

    memory: Memory | None = None

    def __init__(
        self, policy: Policy, chars_max: int = EVENT_CHARS_MAX, *, is_quick: bool = True
    ) -> None:
        super().__init__(policy, chars_max, is_quick=is_quick)
        self.plans = Plans(self.names.verdict, self.shows_nothing)
        self._values_left = EVENT_VALUES_MAX

    def forget(self) -> None:
        """Forget what was read without the own secrets there are now."""
        self.plans.clear()
        self.seen.clear()

    def begin(self, memory: Memory | None = None) -> None:
        """Forget the last event; `memory` is of the feed whose event comes now."""
        super().begin()
        self.memory = memory
        self._values_left = EVENT_VALUES_MAX * self._scale

    def _may_visit(self, count: int) -> bool:
        """Are so many members or items within what may be looked at in one event?"""
        self._values_left -= count
        return self._values_left >= 0

    def went_on(self, raw: dict[str, Any], found: dict[str, Any], memory: Memory) -> dict[str, Any]:
        """The message of an event that is the next fragment of a text."""
        fragment = raw.get("message")
        if type(fragment) is not str or type(found) is not dict:
            return found
        whole = memory.tail + fragment
        new, open_from = self.rest_of(whole, len(memory.tail))
        memory.went_on(whole, open_from)
        return found if new == found.get("message") else {**found, "message": new}

    def structured(self, tree: Any) -> Any:
        """A JSON text as a tree; deep enough below an event to be cut as deep as one."""
        return self.any(tree, DEPTH_MAX // 2)

    def any(self, obj: Any, depth: int) -> Any:
        """Redact a value of any type at a depth below the event; dispatches by its type."""
        kind = type(obj)
        if kind is str:
            return self.text(obj)
        if kind is dict:
            return self.dict_(obj, depth)
        if kind is list:
            return self._list(obj, depth)
        return self._other(obj, depth)

    def _other(self, obj: Any, depth: int) -> Any:
        """What JSON does not know but a log line may hold."""
        if isinstance(obj, str):
            new = self.text(str(obj))
            return obj if new == obj else new
        if isinstance(obj, tuple):
            return tuple(self._list(list(obj), depth))
        if isinstance(obj, Mapping):
            return self.dict_(dict(obj), depth)
        return obj

    def dict_(self, obj: dict[str, Any], depth: int) -> Any:  # noqa: C901, PLR0912 - one branch per notation
        """Redact the values and names of an object; above a limit it is replaced unread."""
        if depth >= DEPTH_MAX:
            return self.mark("unscanned", "unscanned") if obj else obj
        plan = self.plans.known(tuple(obj))
        # A name that is judged costs as much as a dozen values that are passed over.
        self._values_left -= len(obj) if plan is not None else len(obj) * NAME_VALUES
        if self._values_left < 0:
            return self.mark("unscanned", "unscanned") if obj else obj
        if plan is None:
            plan = self.plans.of(obj)
        changed: dict[str, Any] | None = None
        text = self.text
        named = plan.named
        for key, item in obj.items():
            kind = type(item)
            if key in named:
                new = self._named(item, named[key], depth + 1)
            elif kind is str:
                if len(item) < TEXT_MIN:
                    continue
                new = text(item)
            elif kind is dict:
                new = self.dict_(item, depth + 1)
            elif kind is list:
                new = self._list(item, depth + 1)
            elif kind in _PLAIN_KINDS:
                continue
            else:
                new = self._other(item, depth + 1)
            if new is not item:
                if changed is None:
                    changed = dict(obj)
                changed[key] = new
        if plan.is_special:
            changed = self._special(obj, changed, depth)
        if plan.is_called:
            changed = self._called(obj, changed)
        result = obj if changed is None else changed
        if plan.is_plain and self._chars_left >= plan.chars:
            self._chars_left -= plan.chars
            return result
        return self.renamed(result)

    def _member(self, key: str, item: Any, depth: int) -> Any:
        verdict = self.names.verdict(key)
        if verdict.grade == NONE:
            return self.any(item, depth + 1)
        return self._named(item, verdict, depth + 1)

    def _special(
        self, obj: dict[str, Any], changed: dict[str, Any] | None, depth: int
    ) -> dict[str, Any] | None:
        """JSON web keys and `{name, value}` pairs."""
        fresh: dict[str, Any] = {}
        if "kty" in obj and "jwk" not in self.off:
            for key in JWK_PRIVATE:
                item = obj.get(key)
                if type(item) is str and len(item) >= 8 and not harmless.is_marked(item):
                    fresh[key] = self.replace(item, "private-key", "jwk")
        if obj.get("kind") == "Secret" and "key-name" not in self.off:
            changed = self._kubernetes(obj, changed)
        typed = shapes.typed_into(obj, self.names.verdict)
        if typed.grade != NONE:
            for key in shapes.TYPED:
                if type(obj.get(key)) is str and (changed is None or changed[key] is obj[key]):
                    fresh[key] = self._named(obj[key], typed, depth + 1)
        name = shapes.pair_name(obj)
        if name is not None and (verdict := self.names.verdict(name)).grade not in (NONE, ENV):
            for key in shapes.VALUE_MEMBERS.intersection(obj):
                if changed is None or changed[key] is obj[key]:
                    fresh[key] = self._named(obj[key], verdict, depth + 1)
        if any(new is not obj[key] for key, new in fresh.items()):
            return {**(obj if changed is None else changed), **fresh}
        return changed

    def _called(self, obj: dict[str, Any], changed: dict[str, Any] | None) -> dict[str, Any] | None:
        """A command that prints a secret, and what it printed: here, or later under its call."""
        memory = self.memory
        command = tool_calls.command_of(obj)
        call = tool_calls.call_of(obj) if memory is not None else ""
        what = printed.prints(command, self.names.verdict) if command else printed.NOTHING
        if memory is not None and call:
            if what:
                memory.remember(call, what)
            what = what or memory.calls.get(call, printed.NOTHING)
        if not what or "assignment" in self.off:
            return changed
        result = obj if changed is None else changed
        has_output = False
        for member in tool_calls.outputs(obj):
            new = self._given_out(result[member], what, 0)
            has_output = has_output or type(new) is not dict or new is not result[member]
            if new is not result[member]:
                result = {**result, member: new}
        if memory is not None and call and has_output and obj.get("state") != "running":
            memory.forget(call)
        return changed if result is obj else result

    def _given_out(self, item: Any, what: int, depth: int) -> Any:
        """What a command that prints a secret gave out, its lines replaced."""
        kind = type(item)
        if kind is str:
            return self.printed(item, what)
        if depth >= OUTPUT_DEPTH_MAX:
            return item
        if kind is dict:
            fresh = {
                key: self._given_out(item[key], what, depth + 1) for key in tool_calls.outputs(item)
            }
            return (
                {**item, **fresh}
                if any(new is not item[key] for key, new in fresh.items())
                else item
            )
        if kind is list:
            items = [self._given_out(one, what, depth + 1) for one in item]
            return items if any(a is not b for a, b in zip(items, item, strict=True)) else item
        return item

    def printed(self, text: str, what: int) -> str:
        """The output of a command that prints a secret and nothing else."""
        headed = _OUTPUT_BELOW.search(text)
        begin = headed.end() if headed is not None else 0
        lines = printed.printed_lines(text[begin:], what=what)
        return replaced(
            text,
            [(begin + first, begin + last) for first, last in lines],
            lambda at, end: self.replace(text[at:end], "secret", "assignment", text, at),
        )

    def _kubernetes(self, obj: dict[str, Any], changed: dict[str, Any] | None) -> dict[str, Any]:
        result = obj if changed is None else changed
        for member, name, value in shapes.secret_values(obj):
            if result[member].get(name) is value and not harmless.harmless_text(value, ()):
                mark = self.replace(value, "secret", "key-name")
                result = {**result, member: {**result[member], name: mark}}
        return result

    def renamed(
        self, obj: dict[str, Any], rename: Callable[[str], str] | None = None
    ) -> dict[str, Any]:
        """Replace names that are secrets themselves, keeping order and number of members."""
        renamed: dict[str, str] = {}
        text = self.text if rename is None else rename
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
            return self.mark("unscanned", "unscanned") if obj else obj
        if not self._may_visit(len(obj)):
            return self.mark("unscanned", "unscanned") if obj else obj
        changed: list[Any] | None = None
        texts = 0
        for at, item in enumerate(obj):
            new = self.any(item, depth + 1)
            texts += type(item) is str
            if new is not item:
                if changed is None:
                    changed = list(obj)
                changed[at] = new
        if texts > 1 and "argv" not in self.off:
            return self._arguments(obj, changed)
        if obj and type(obj[0]) is list and "key-name" not in self.off:
            return self._table(obj, changed)
        return obj if changed is None else changed

    def _arguments(self, obj: list[Any], changed: list[Any] | None) -> list[Any]:
        """Lists whose strings explain each other: `--flag value`, `[name, value]`, raw headers."""
        found: dict[int, str] = {}
        for at, verdict in shapes.explained(obj, self.names.verdict):
            item = obj[at]
            if (changed is None or changed[at] is item) and shapes.is_secret_value(item, verdict):
                found[at] = self.replace(item, verdict.kind, "argv")
        if type(obj[0]) is str and "command-line" not in self.off:
            found.update(self._command(obj, changed, found))
        if not found:
            return obj if changed is None else changed
        return [found.get(at, item) for at, item in enumerate(changed or obj)]

    def _command(
        self, obj: list[Any], changed: list[Any] | None, found: Mapping[int, str]
    ) -> dict[int, str]:
        """`["mysql", "-pX"]`: read as the command line it is."""
        more: dict[int, str] = {}
        for at, cut, span in shapes.in_command(obj):
            item = obj[at]
            if at not in found and (changed is None or changed[at] is item):
                more[at] = item[:cut] + self.replace(item[cut:], span.kind, span.rule, item, cut)
        return more

    def _table(self, obj: list[Any], changed: list[Any] | None) -> list[Any]:
        """`[["user", "password"], ["dana", "x"]]`."""
        rows = obj if changed is None else changed
        for row, at, verdict in shapes.cells(obj, self.names.verdict):
            if rows[row][at] is obj[row][at]:
                rows = list(rows) if rows is obj else rows
                rows[row] = list(rows[row])
                rows[row][at] = self.replace(obj[row][at], verdict.kind, "key-name")
        return rows

    def _named(self, item: Any, verdict: Verdict, depth: int) -> Any:
        """A value below a name that means something."""
        kind = type(item)
        rule = "policy-key" if verdict.grade == FORCED else "key-name"
        if kind is str:
            is_named = verdict.grade != ENV and rule not in self.off
            if is_named and (places := shapes.secret_places(item, verdict)):
                return replaced(
                    item, places, lambda at, end: self.replace(item[at:end], verdict.kind, rule)
                )
            return self.text(item)
        if kind is int or kind is float:
            number = shapes.as_text(item)
            if rule not in self.off and shapes.is_secret_number(number, verdict):
                return self.mark(verdict.kind, rule, number)
            return item
        if depth >= DEPTH_MAX or (kind is not dict and kind is not list):
            return self.any(item, depth)
        if kind is list:
            return self._named_list(item, verdict, depth)
        if verdict.grade == ENV:
            return self._env(item, depth)
        if rule in self.off:
            return self.dict_(item, depth)
        return self._credential(item, verdict, depth)

    def _env(self, obj: dict[str, Any], depth: int) -> Any:
        fresh = {key: self._variable(key, item, depth) for key, item in obj.items()}
        if all(fresh[key] is item for key, item in obj.items()):
            return self.renamed(obj)
        return self.renamed(fresh)

    def _variable(self, key: str, item: Any, depth: int) -> Any:
        new = self._member(key, item, depth)
        if new is not item or type(item) is not str or "env" in self.off:
            return new
        return item if shapes.is_public_env(key, item) else self.replace(item, "env", "env")

    def _named_list(self, obj: list[Any], verdict: Verdict, depth: int) -> Any:
        items = [self._named_item(item, verdict, depth) for item in obj]
        if any(new is not old for new, old in zip(items, obj, strict=True)):
            for at in shapes.left_codes(obj, items) if verdict.kind == "otp" else ():
                items[at] = self.replace(obj[at], "otp", "key-name")
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
        return self.any(item, depth + 1)

    def _env_line(self, item: str, depth: int) -> str:
        name, sign, rest = item.partition("=")
        if not sign or not name.replace("_", "").isalnum():
            return self.text(item)
        new = self._variable(name, rest, depth)
        return item if new is rest else f"{name}={new}"

    def _credential(self, obj: dict[str, Any], verdict: Verdict, depth: int) -> Any:
        """An object below a credential's name: its texts are secret, but for what is beside it."""
        done = self.dict_(obj, depth)
        if type(done) is not dict:
            return done
        fresh: dict[str, Any] = {}
        if verdict.words[-1:] and verdict.words[-1] in shapes.ALL_SECRET:
            verdict = verdict._replace(kind="password")  # any value with some weight
        for key, item in done.items():
            if not shapes.is_beside(key):
                own = self.names.verdict(key)
                if own.grade != ENV:
                    use = own if own.grade in (SURE, CODE, FORCED) else verdict
                    fresh[key] = self._named(item, use, depth + 1)
        if all(new is done[key] for key, new in fresh.items()):
            return done
        return {**done, **fresh}
