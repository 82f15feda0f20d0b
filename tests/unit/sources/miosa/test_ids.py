"""Names of feeds: one kind and id, one source; what upstream cannot know is told in a sentence."""

from __future__ import annotations

import pytest

from bridge.sources.miosa.ids import feed_of, guessed_kind

ID = "6d1c5e0a-7d55-4f0a-9f6b-3b1a2c4d5e6f"


@pytest.mark.parametrize(
    ("kind", "id_", "source"),
    [
        ("run", ID.upper(), f"/miosa/a/runs/{ID}"),
        ("sandbox", ID, f"/miosa/a/sandboxs/{ID}"),
        ("snapshot", f"{ID}/snap_1", f"/miosa/a/snapshots/{ID}%2Fsnap_1"),
        ("tenant", "", "/miosa/a/tenant"),
        ("tenant", "tenant", "/miosa/a/tenant"),
    ],
)
def test_a_feed_has_one_source(kind: str, id_: str, source: str) -> None:
    feed = feed_of("a", kind, id_)
    assert (feed.source, feed.kind, feed.system) == (source, kind, "miosa")


def test_the_tenant_is_its_own_subject() -> None:
    assert feed_of("a", "tenant", "").id == "tenant"


@pytest.mark.parametrize(
    ("kind", "id_", "told"),
    [
        ("run", "my-run", "is no id of a run: it is a UUID"),
        ("run", f"{ID}/snap", "snapshot:OWNER/SID"),
        ("snapshot", ID, "it is OWNER/SID"),
        ("snapshot", f"{ID}/../x", "it is OWNER/SID"),
        ("snapshot", f"{ID}/.", "it is OWNER/SID"),
        ("tenant", ID, "one tenant"),
        ("walrus", ID, "is no kind of MIOSA's: run, sandbox"),
    ],
)
def test_what_upstream_cannot_know_is_told_in_a_sentence(kind: str, id_: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        feed_of("a", kind, id_)


def test_the_nearest_kind_is_guessed() -> None:
    assert guessed_kind("run", f"{ID}/s1") == "snapshot"
    assert guessed_kind("run", "tenant") == "tenant"
    assert guessed_kind("run", "x") is None
