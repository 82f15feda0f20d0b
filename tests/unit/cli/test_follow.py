"""What people write for a feed, and what they are told when it names none."""

from __future__ import annotations

import click
import pytest

from bridge.cli.follow import _feed, _wanted

UUID = "3f0c1c52-8d5e-4c8e-9d0a-2b1f6c7d8e9f"
OTHER = "0c1d7e88-93d4-4c0a-b6f2-6f4a0b0f9e77"


@pytest.mark.parametrize(
    ("system", "text", "expected"),
    [
        (None, UUID, ("run", UUID)),
        ("mogplex", f"run:{UUID.upper()}", ("run", UUID)),
        ("moot", "sprint planning", ("space", "sprint planning")),
        ("moot", "a:b", ("space", "a:b")),
        ("moot", "space", ("space", "space")),
        ("miosa", UUID, ("run", UUID)),
        ("miosa", "tenant", ("tenant", "tenant")),
        ("miosa", f"sandbox:{UUID}", ("sandbox", UUID)),
        ("miosa", f"snapshot:{UUID}/{OTHER}", ("snapshot", f"{UUID}/{OTHER}")),
    ],
)
def test_a_feed_is_named_by_id_by_kind_and_id_or_by_a_kind_without_ids(
    system: str | None, text: str, expected: tuple[str, str]
) -> None:
    assert _feed("", text, system) == expected


@pytest.mark.parametrize(
    ("system", "text", "says"),
    [
        ("miosa", f"sandbx:{UUID}", 'did you mean the kind "sandbox"?'),
        ("miosa", "tenants", 'did you mean the kind "tenant"?'),
        ("miosa", "nonsense", "name another kind before the id, as in sandbox:ID"),
        ("miosa", f"{UUID}/{OTHER}", "a snapshot is named snapshot:OWNER/SID"),
        ("miosa", "sandbox", "give the id of the sandbox too: sandbox:ID"),
        ("miosa", "sandbox:x", "'x' is no sandbox id"),
        ("moot", "a/b", "is no space id"),
        (None, "nonsense", "'nonsense' is no run id: a run id is a UUID"),
    ],
)
def test_a_text_that_names_no_feed_is_told_what_it_may_have_meant(
    system: str | None, text: str, says: str
) -> None:
    with pytest.raises(click.UsageError) as error:
        _feed("", text, system)
    assert says in error.value.message


@pytest.mark.parametrize(("system", "kind"), [(None, "run"), ("moot", "space"), ("miosa", "run")])
def test_nothing_to_follow_is_said_in_the_words_of_the_system(
    system: str | None, kind: str
) -> None:
    with pytest.raises(click.UsageError) as error:
        _wanted((), None, system, is_needed=True)
    assert error.value.message == f"no {kind} to follow: give {kind} ids, or --runs-from FILE"
