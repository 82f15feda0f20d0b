"""The settings of a moot account, and what the id of a space may be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from bridge.schema.upstream import UpstreamAccount

SPACE = "space"  # the one kind of feed
ID_CHARS_MAX = 200  # of an id that users choose (moot.md 2.7)
_SPACE_ID = "up to 200 characters without a slash, like spc_1h8w2c4r6t0yz or sprint-planning"
A_SPACE_ID = f"a space id is {_SPACE_ID}"
REQUESTS_PER_MINUTE = 20  # the vendor's own checklist assumes this many reads (moot.md 2.7)


def checked_space_id(text: str) -> str | None:
    """Return the id unchanged, as ids are opaque; None if it cannot stand in a path."""
    is_long = not 0 < len(text) <= ID_CHARS_MAX
    is_path = "/" in text or text in (".", "..")
    is_clean = text == text.strip() and text.isprintable()
    return None if is_long or is_path or not is_clean else text


def _space_id(value: object) -> object:
    space_id = checked_space_id(value.strip()) if isinstance(value, str) else None
    if space_id is None:
        raise ValueError(f"a space id, {_SPACE_ID}")
    return space_id


class MootAccount(UpstreamAccount):
    """One moot account: a base URL and a key."""

    token_variables = ("CONVO_API_KEY", "MOOTUP_OAUTH_TOKEN", "MOOTUP_API_KEY")
    base_url_variables = ("CONVO_API_URL",)
    api_paths = ("/api",)
    key_prefixes = ("convo_", "mootup_pat_")

    system: Literal["moot"] = Field(default="moot", description="Kind of upstream.")
    base_url: str = Field(
        default="https://mootup.io", description="Origin of the server, with or without /api."
    )
    requests_per_minute: int = Field(
        default=REQUESTS_PER_MINUTE,
        ge=4,
        le=6000,
        description="Requests a minute with this key; upstream documents no limit.",
    )
    stream: Literal["auto", "sse", "websocket", "poll"] = Field(
        default="auto",
        description="Transport of events; `auto` starts with server-sent events and switches to "
        "the WebSocket, then to polling, if one is refused or delivers nothing.",
    )
    spaces: tuple[Annotated[str, BeforeValidator(_space_id)], ...] = Field(
        default=(), description="Ids of spaces to follow from the start."
    )
    discover: bool = Field(
        default=False,
        description="Follow every active or paused space of this key; listed every 20 s.",
    )

    def listed(self) -> Sequence[tuple[str, str]]:
        """See `UpstreamAccount.listed`."""
        return [(SPACE, space_id) for space_id in self.spaces]

    @classmethod
    def listing(cls, kind: str, id_: str) -> tuple[str, str]:
        """See `UpstreamAccount.listing`."""
        if kind != SPACE:
            raise ValueError(f'moot has feeds of kind "{SPACE}" only, not "{kind[:50]}"')
        if checked_space_id(id_.strip()) is None:
            raise ValueError(f'"{id_[:100]}" is no space id: {A_SPACE_ID}')
        return "spaces", id_.strip()
