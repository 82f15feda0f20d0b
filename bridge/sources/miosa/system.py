"""MIOSA as a `System`: seven kinds of feeds, followed with one key. Facts: miosa.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from bridge.core import marks
from bridge.core.error_table import ErrorRow
from bridge.core.event import Feed
from bridge.core.kind import Kind
from bridge.core.words import SystemWords
from bridge.sources.miosa.errors import ERRORS
from bridge.sources.miosa.ids import SYSTEM, feed_of
from bridge.sources.miosa.rules.words import KINDS, RUN
from bridge.sources.miosa.settings import MiosaAccount
from bridge.sources.miosa.told import note_thing, recall_thing
from bridge.sources.miosa.words import WORDS
from bridge.sources.port import Account, Means, Source
from bridge.wire.jsontext import dumps


def _kind(name: str) -> Kind:
    return Kind(
        name,
        f"ai.miosa.{name}",
        "runId" if name == RUN else None,
        note=note_thing,
        recall=partial(recall_thing, name),
    )


class Miosa:
    """Implements `sources.port.System`."""

    name = SYSTEM
    title = "MIOSA"
    section = MiosaAccount
    kinds: Mapping[str, Kind] = {name: _kind(name) for name in KINDS}
    words: SystemWords = WORDS
    errors: Sequence[ErrorRow] = ERRORS

    def feed(self, account: str, kind: str, id_: str) -> Feed:
        """See `System.feed`."""
        return feed_of(account, kind, id_)

    def plain(self, record: Mapping[str, Any]) -> bytes | None:
        """Upstream's object on one line; at the end of a feed its status; else nothing."""
        type_ = str(record.get("type"))
        if marks.is_of_bridge(type_) and not marks.is_ended(type_):
            return None
        data = record.get("data")
        data = data if isinstance(data, dict) else {}
        if marks.is_ended(type_):
            data = {"id": data.get("id"), "status": data.get("status")}
        return dumps(data)

    def source(self, account: Account, means: Means) -> Source:
        """See `System.source`."""
        from bridge.sources.miosa.source import build  # noqa: PLC0415 - aiohttp costs 0.15 s

        return build(self, account, means)


MIOSA: Final = Miosa()
