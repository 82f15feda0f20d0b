"""Mogplex as a `System`: runs, followed through one API. Facts: mogplex.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bridge.core import marks
from bridge.core.error_table import ErrorRow
from bridge.core.event import Feed, feed_of
from bridge.core.kind import Kind
from bridge.core.words import SystemWords
from bridge.sources.mogplex.dialect import MogplexDialect
from bridge.sources.mogplex.errors import ERRORS
from bridge.sources.mogplex.settings import A_RUN_ID, RUN, MogplexAccount, normalised_run_id
from bridge.sources.mogplex.told import note_run, recall_run
from bridge.sources.mogplex.words import WORDS
from bridge.sources.port import Account, Means, Source
from bridge.wire.javascript import stringify

NAME: Final = "mogplex"
RUN_KIND: Final = Kind(RUN, "com.mogplex.run", "runId", note=note_run, recall=recall_run)


class Mogplex:
    """Implements `sources.port.System`."""

    name = NAME
    title = "Mogplex"
    section = MogplexAccount
    kinds: Mapping[str, Kind] = {RUN: RUN_KIND}
    words: SystemWords = WORDS
    errors: Sequence[ErrorRow] = ERRORS
    dialect = MogplexDialect()  # of its own API, which the gateway serves

    def feed(self, account: str, kind: str, id_: str) -> Feed:
        """See `System.feed`."""
        if kind != RUN:
            raise ValueError(f'Mogplex has feeds of kind "{RUN}" only, not "{kind[:50]}"')
        run_id = normalised_run_id(id_)
        if run_id is None:
            raise ValueError(A_RUN_ID)
        return feed_of(NAME, account, RUN, run_id)

    def plain(self, record: Mapping[str, Any]) -> bytes | None:
        """Upstream's object, byte for byte as JavaScript prints it; at the end of a run its status.

        Other records of the bridge give nothing: this is what the vendor's CLI prints with
        `--follow --json` (mogplex.md 1.12).
        """
        type_ = str(record.get("type"))
        if marks.is_of_bridge(type_) and not marks.is_ended(type_):
            return None
        data = record.get("data")
        data = data if isinstance(data, dict) else {}
        if marks.is_ended(type_):
            data = {"runId": data.get("runId"), "status": data.get("status")}
        return stringify(data).encode("utf-8")

    def source(self, account: Account, means: Means) -> Source:
        """See `System.source`."""
        from bridge.sources.mogplex.source import build  # noqa: PLC0415 - aiohttp costs 0.15 s

        return build(self, account, means)


MOGPLEX: Final = Mogplex()
