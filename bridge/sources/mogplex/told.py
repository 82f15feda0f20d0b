"""Describes a run for people, from its row and its events. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.sources.mogplex.story import from_plain, to_plain, view, with_events, with_row


def note_run(notes: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """`Kind.note`: title, open calls, last text, a terminal event; some hundred bytes."""
    return to_plain(with_events(from_plain(notes), events))


def recall_run(row: Mapping[str, Any], notes: Mapping[str, Any]) -> Mapping[str, Any]:
    """`Kind.recall`: title, harness, branch, times, error, the tool that runs."""
    return view(with_row(from_plain(notes), row))
