"""The settings of a Mogplex account, and the forms of a run's id."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from bridge.schema.upstream import UpstreamAccount
from bridge.schema.values import Duration

RUN = "run"  # the one kind of feed
A_RUN_ID = "a run id is a UUID, like 3f0c1c52-8d5e-4c8e-9d0a-2b1f6c7d8e9f"
WINDOW_REQUESTS = 60  # requests that upstream allows a token in 60 s (mogplex.md 1.11)

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


def normalised_run_id(text: str) -> str | None:
    """Lower-case UUID, or None: upstream answers 500 to anything else (mogplex.md 1.4)."""
    text = text.strip()
    return text.lower() if _UUID.fullmatch(text) else None


def _run_id(value: object) -> object:
    run_id = normalised_run_id(value) if isinstance(value, str) else None
    if run_id is None:
        raise ValueError("a run id: a UUID such as 3f0c1c52-8d5e-4c8e-9d0a-2b1f6c7d8e9f")
    return run_id


class MogplexAccount(UpstreamAccount):
    """One upstream account: a system, a base URL and a token."""

    token_variables = ("MOGPLEX_API_KEY", "MOGPLEX_TOKEN", "MOGPLEX_API_TOKEN")
    base_url_variables = ("MOGPLEX_BASE_URL", "MOGPLEX_URL")
    api_paths = ("/api/v1/mogplex",)
    key_prefixes = ("mog_",)

    system: Literal["mogplex"] = Field(default="mogplex", description="Kind of upstream.")
    base_url: str = Field(
        default="https://mogplex.com",
        description="Origin of the server, with or without /api/v1/mogplex and www.",
    )
    requests_per_minute: int = Field(
        default=54,
        ge=1,
        le=6000,
        description="Budget of this token. Upstream allows 60; the rest is for its other users.",
    )
    reserve: int = Field(
        default=3,
        ge=0,
        le=5999,
        description="Requests of the budget kept free for interactive calls.",
    )
    min_interval: Duration = Field(
        default=1.0,
        description="Shortest time between two polls of one run, even if it is the only one.",
    )
    q: float = Field(
        default=0.5,
        ge=0.0,
        le=1.0,
        description="How much polls prefer busy runs: 0 polls all equally, 1 only busy ones.",
    )
    ra_cap: Duration = Field(
        default=300.0,
        description="Longest Retry-After that is honored; longer ones are reduced to it.",
    )
    stream: bool = Field(
        default=True,
        description="Use upstream's event stream where it exists; false: only poll.",
    )
    runs: tuple[Annotated[str, BeforeValidator(_run_id)], ...] = Field(
        default=(), description="Ids of runs to follow from the start."
    )

    def listed(self) -> Sequence[tuple[str, str]]:
        """See `UpstreamAccount.listed`."""
        return [(RUN, run_id) for run_id in self.runs]

    @classmethod
    def listing(cls, kind: str, id_: str) -> tuple[str, str]:
        """See `UpstreamAccount.listing`."""
        if kind != RUN:
            raise ValueError(f'Mogplex has feeds of kind "{RUN}" only, not "{kind[:50]}"')
        if normalised_run_id(id_) is None:
            raise ValueError(f'"{id_[:100]}" is no run id: {A_RUN_ID}')
        return "runs", id_

    def problems(self) -> Iterator[tuple[str, str]]:
        """See `UpstreamAccount.problems`."""
        if self.reserve >= self.requests_per_minute:
            yield (
                "reserve",
                f"must be below requests_per_minute ({self.requests_per_minute}),"
                f" not {self.reserve}",
            )
        if self.min_interval > 3600:
            yield "min_interval", "must be at most 1h"
        if not 1 <= self.ra_cap <= 300:
            yield "ra_cap", "must be between 1s and 5m"

    def pace(self) -> tuple[int, int]:
        """Return the places in the token's rolling minute, and how many polls leave free."""
        limit = max(WINDOW_REQUESTS, self.requests_per_minute)
        reserve = max(limit - self.requests_per_minute, self.reserve)
        return limit, min(limit - 1, reserve)
