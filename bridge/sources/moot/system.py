"""moot as a `System`: spaces in which people and agents write events. Facts: moot.md."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bridge.core import marks
from bridge.core.error_table import ErrorRow
from bridge.core.errors import Retry
from bridge.core.event import Feed, feed_of
from bridge.core.kind import Kind
from bridge.core.words import SystemWords
from bridge.sources.moot.errors import ERRORS, FORBIDDEN, TENANT_SUSPENDED, UNAUTHORIZED
from bridge.sources.moot.settings import A_SPACE_ID, SPACE, MootAccount, checked_space_id
from bridge.sources.moot.told import note_space, recall_space
from bridge.sources.moot.words import (
    GAP_REASONS,
    MESSAGE_TYPES,
    METRICS,
    OPERATIONS,
    TYPE_PREFIX,
)
from bridge.sources.port import Account, Means, Source
from bridge.wire.jsontext import dumps

NAME: Final = "moot"
_STEERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_BELOW_HTTP = ("TIMEOUT", "TRANSPORT", "BODY_TOO_LARGE")


_FAILURES: dict[str, tuple[Retry, ...]] = {
    **{row.code: (row.retry,) for row in ERRORS},
    "HTTP_ERROR": (Retry.TRANSIENT, Retry.PERMANENT, Retry.FEATURE_ABSENT),
    "TLS": (Retry.PERMANENT,),
    **dict.fromkeys(_BELOW_HTTP, (Retry.TRANSIENT,)),
}
_MENDED = frozenset({UNAUTHORIZED, TENANT_SUSPENDED, FORBIDDEN})
WORDS: Final = SystemWords(
    kinds=(SPACE,),
    event_types=MESSAGE_TYPES,
    endpoints=OPERATIONS,
    failures=_FAILURES,
    gap_reasons=GAP_REASONS,
    mended_by_token=_MENDED,
    mended_by_restart=_MENDED | {"TLS", "NOT_THE_API"},
    metrics=METRICS,
)
SPACE_KIND: Final = Kind(
    SPACE, TYPE_PREFIX, "spaceId", may_reopen=True, note=note_space, recall=recall_space
)


class Moot:
    """Implements `sources.port.System`."""

    name = NAME
    title = "moot"
    section = MootAccount
    kinds: Mapping[str, Kind] = {SPACE: SPACE_KIND}
    words: SystemWords = WORDS
    errors: Sequence[ErrorRow] = ERRORS

    def feed(self, account: str, kind: str, id_: str) -> Feed:
        """See `System.feed`."""
        if kind != SPACE:
            raise ValueError(f'moot has feeds of kind "{SPACE}" only, not "{kind[:50]}"')
        space_id = checked_space_id(id_.strip())
        if space_id is None:
            raise ValueError(A_SPACE_ID)
        return feed_of(NAME, account, SPACE, space_id)

    def plain(self, record: Mapping[str, Any]) -> bytes | None:
        r"""Return one line: time, speaker, type, and the text with its line ends as `\n`.

        The vendor's tools print no such line; it serves logs and `grep`. Characters that control a
        terminal or turn the direction of a text are written as `\u001b`.
        """
        type_ = str(record.get("type"))
        if marks.is_of_bridge(type_) and not marks.is_ended(type_):
            return None
        data = record.get("data")
        data = data if isinstance(data, dict) else {}
        if marks.is_ended(type_):
            return dumps({"spaceId": data.get("spaceId"), "status": data.get("status")})
        names = (data.get("speaker_name"), data.get("speaker_id"))
        who = next((name for name in names if isinstance(name, str) and name), "-")
        kind = type_.removeprefix(SPACE_KIND.event_prefix)
        text = data.get("text")
        said = text if isinstance(text, str) else ""
        line = f"{record.get('time', '-')} {who} [{kind}] {said}"
        line = line.replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n")
        return _STEERS.sub(lambda sign: f"\\u{ord(sign[0]):04x}", line).encode("utf-8", "replace")

    def source(self, account: Account, means: Means) -> Source:
        """See `System.source`."""
        from bridge.sources.moot.source import build  # noqa: PLC0415 - aiohttp costs 0.15 s

        return build(self, account, means)


MOOT: Final = Moot()
