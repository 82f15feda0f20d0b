"""Names of files."""

from __future__ import annotations

from bridge.outputs.sinks.files.layout import Layout, Names


def test_names_that_only_look_like_ours_are_left_alone(tmp_path):
    for name in ["events.1.ndjson", "xevents.000001.ndjson", "events.000001.ndjson.bak", "a"]:
        (tmp_path / name).touch()
    assert Names(Layout(tmp_path / "events.ndjson")).entries() == []
