"""The mutants of the torture still fit the code: one that does not is found only when it is run."""

from __future__ import annotations

import re

from tests.architecture.tree import PACKAGE
from tests.torture.mutants import MUTANTS


def test_every_mutant_changes_one_place() -> None:
    found = {
        one.name: len(re.findall(one.old, (PACKAGE / one.file).read_text())) for one in MUTANTS
    }
    assert {name: count for name, count in found.items() if count != 1} == {}
