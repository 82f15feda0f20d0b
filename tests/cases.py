"""A table of many small cases as one test.

pytest spends several milliseconds on a test, on its collection in every worker and on its report;
a case of a table often needs a tenth of one. `each_case` is used like `pytest.mark.parametrize`
for tables of pure functions: all cases are tried, and each one that fails is named.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

Check = Callable[..., None]


def each_case(
    names: str | Sequence[str],
    cases: Iterable[Any],
    *,
    ids: Sequence[str] | Callable[[Any], str] | None = None,
) -> Callable[[Check], Check]:
    """Call a test with every case of a table, and fail it with all cases that failed.

    Fixtures are made once for all cases: a case must leave nothing behind. Several tables on one
    test give every combination.

    Args:
        names: of one parameter, or of several that each case has values for.
        cases: the table; it must not be empty.
        ids: what a failing case is called: a list, or how to name one parameter's value.
    """
    parameters = [names] if isinstance(names, str) else list(names)
    table = list(cases)
    assert table, "a table without cases tests nothing"
    called = _called(table, ids)

    def decorate(check: Check) -> Check:
        signature = inspect.signature(check)
        others = [p for name, p in signature.parameters.items() if name not in parameters]
        assert len(others) == len(signature.parameters) - len(parameters), parameters

        @functools.wraps(check)
        def run(**given: Any) -> None:
            failures: list[BaseException] = []
            failed: list[str] = []
            for name, case in zip(called, table, strict=True):
                values = [case] if isinstance(names, str) else case
                try:
                    check(**given, **dict(zip(parameters, values, strict=True)))
                except (Exception, pytest.fail.Exception) as failure:  # noqa: BLE001 - all are told
                    failure.add_note(f"case: {name}")
                    failures.append(failure)
                    failed.append(name)
            if failures:
                text = f"{len(failed)} of {len(table)} cases failed: {', '.join(failed)}"
                raise BaseExceptionGroup(text, failures)

        run.__signature__ = signature.replace(parameters=others)  # type: ignore[attr-defined]
        return run

    return decorate


def _called(table: list[Any], ids: Sequence[str] | Callable[[Any], str] | None) -> list[str]:
    if ids is None:
        return [repr(case) for case in table]
    return [ids(case) for case in table] if callable(ids) else list(ids)
