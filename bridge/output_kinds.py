"""The kinds of outputs there are. A new one is a section beside its target and one line here."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.outputs.sinks.ndjson import NdjsonOutput
from bridge.outputs.sinks.settings import OutputSection

BUILT_IN: tuple[type[OutputSection], ...] = (NdjsonOutput,)  # the first where `type` is left out


def _type_of(section: type[OutputSection]) -> str:
    return str(section.model_fields["type"].default)


_known: dict[str, type[OutputSection]] = {_type_of(section): section for section in BUILT_IN}


def output_kinds() -> Mapping[str, type[OutputSection]]:
    """The section of each by its `type`, the built-in ones first."""
    return _known


def register(section: type[OutputSection]) -> None:
    """Add a kind from outside of this package, before any settings are loaded.

    Raises:
        ValueError: Another section has this type.
    """
    if _known.setdefault(_type_of(section), section) is not section:
        raise ValueError(f"there is an output of type {_type_of(section)} already")


def unregister(section: type[OutputSection]) -> None:
    """Take one away again that was registered."""
    if section not in BUILT_IN:
        _known.pop(_type_of(section), None)
