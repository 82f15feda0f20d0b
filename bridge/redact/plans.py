"""What the names of an object say, remembered: objects of the same names come again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from bridge.redact import shapes, tool_calls
from bridge.redact.names.classifier import NAME_CHARS_MAX, NONE, Verdict
from bridge.redact.spans import MARK_OPEN

PLANS_MAX: Final = 1_024  # sets of names that are remembered; upstream's events have some dozen
NAMES_MAX: Final = 48  # of one set; an object of more is a table, its names are data
NAMED_CHARS_MAX: Final = 1_024  # of the names of one set that may be secrets themselves
KEY_MIN: Final = 12  # characters of a member's name that may be a secret itself


class Plan(NamedTuple):
    """All about an object that does not depend on its values.

    `named`: the verdicts on names that say something. `is_plain`: no name is a secret itself;
    `chars`: of the names that were read to know that.
    """

    named: Mapping[str, Verdict]
    is_special: bool
    is_called: bool
    is_plain: bool
    chars: int


class Plans:
    """The plans of one policy and one set of own secrets. Bounded; holds names, never values."""

    def __init__(
        self, verdict_of: Callable[[str], Verdict], shows_nothing: Callable[[str], bool]
    ) -> None:
        """`shows_nothing`: is there no secret in this name?"""
        self._verdict_of = verdict_of
        self._shows_nothing = shows_nothing
        self._known: dict[tuple[str, ...], Plan] = {}
        self.known = self._known.get  # the plan of an object's names, None if they are new

    def of(self, obj: dict[str, Any]) -> Plan:
        """The plan of names that are not known, known from now on."""
        names = tuple(obj)
        plan = self._made(names)
        if len(names) <= NAMES_MAX and max(map(len, names), default=0) <= NAME_CHARS_MAX:
            if len(self._known) >= PLANS_MAX:
                self._known.clear()
            self._known[names] = plan
        return plan

    def clear(self) -> None:
        """Forget all plans: the own secrets have changed, and names are judged anew."""
        self._known.clear()

    def _made(self, names: tuple[str, ...]) -> Plan:
        return Plan(
            dict(self._verdicts(names)),
            is_special=shapes.may_explain(names),
            is_called=tool_calls.may_tell(names),
            is_plain=self._are_plain(names),
            chars=sum(len(name) for name in names if len(name) >= KEY_MIN),
        )

    def _verdicts(self, names: tuple[str, ...]) -> Iterator[tuple[str, Verdict]]:
        is_logprob = "logprob" in names  # a unit of a model's text beside its likelihood
        for name in names:
            verdict = self._verdict_of(name)
            if verdict.grade != NONE and not (is_logprob and name == "token"):
                yield name, verdict

    def _are_plain(self, names: tuple[str, ...]) -> bool:
        long = [name for name in names if len(name) >= KEY_MIN]
        return sum(map(len, long)) <= NAMED_CHARS_MAX and all(
            MARK_OPEN not in name and self._shows_nothing(name) for name in long
        )
