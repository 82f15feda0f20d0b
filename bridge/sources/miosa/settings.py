"""The settings of a MIOSA account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from bridge.schema.upstream import UpstreamAccount
from bridge.sources.miosa.ids import guessed_kind, normalised_id
from bridge.sources.miosa.rules import words


def named_feed(text: str) -> tuple[str, str]:
    """Return kind and id of `run:UUID`, `snapshot:OWNER/SID` or `tenant`.

    Raises:
        ValueError: The text has another form.
    """
    kind, colon, id_ = text.strip().partition(":")
    if not colon and kind != words.TENANT:
        kind, id_ = words.RUN, text
        if (meant := guessed_kind(kind, text)) is not None:
            raise ValueError(f'name the kind of "{text[:80]}": {meant}:{text[:80]}')
    if kind not in words.KINDS:
        known = ", ".join(words.KINDS)
        near = _nearest(kind)
        hint = f'; did you mean "{near}"?' if near else ""
        raise ValueError(f'"{kind[:40]}" is no kind of MIOSA\'s ({known}){hint}')
    return kind, normalised_id(kind, id_)


def _nearest(kind: str) -> str | None:
    import difflib  # noqa: PLC0415 - for mistakes only

    found = difflib.get_close_matches(kind, words.KINDS, n=1)
    return found[0] if found else None


def _is_feed(text: str) -> str:
    try:
        kind, id_ = named_feed(text)
    except ValueError as error:  # completes "must be ..."
        raise ValueError(f'"KIND:ID" or "tenant" ({error})') from None
    return kind if kind == words.TENANT else f"{kind}:{id_}"


class MiosaAccount(UpstreamAccount):
    """One MIOSA account: a base URL and a key."""

    token_variables = ("MIOSA_API_KEY",)
    base_url_variables = ("MIOSA_BASE_URL",)
    api_paths = ("/api/v1",)
    key_prefixes = ("msk_",)
    own_kinds = frozenset({words.TENANT})

    system: Literal["miosa"] = Field(default="miosa", description="Kind of upstream.")
    base_url: str = Field(
        default="https://api.miosa.ai",
        description="Origin of the server, with or without /api/v1.",
    )
    requests_per_minute: int = Field(
        default=54,
        ge=2,  # a ticket and its connect are two
        le=6000,
        description="Requests a minute with this key, tickets and lists included.",
    )
    follow: tuple[Annotated[str, AfterValidator(_is_feed)], ...] = Field(
        default=(),
        description='Feeds to follow: "run:UUID", "sandbox:UUID", "snapshot:OWNER/SID", "tenant".',
    )
    discover: bool = Field(
        default=False,
        description="Also follow all active runs, sandboxes, computers, builds and deployments.",
    )
    stream: bool = Field(default=True, description="Use streams where they exist.")

    def listed(self) -> Sequence[tuple[str, str]]:
        """See `UpstreamAccount.listed`."""
        return [named_feed(text) for text in self.follow]

    @classmethod
    def listing(cls, kind: str, id_: str) -> tuple[str, str]:
        """See `UpstreamAccount.listing`."""
        id_ = normalised_id(kind, id_)
        return "follow", kind if kind == words.TENANT else f"{kind}:{id_}"
