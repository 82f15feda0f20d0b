"""The settings of an account of any system; a system's own section adds its keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from pydantic import Field, field_validator

from bridge.schema.baseurl import to_origin
from bridge.schema.proxies import is_proxy
from bridge.schema.section import Section
from bridge.schema.values import FilePath


class UpstreamAccount(Section):
    """One upstream account: a system, a base URL and a token.

    A system's section gives `system` a default and the one value that it may have
    (`system: Literal["moot"] = Field(default="moot", ...)`), gives `base_url` a default, and sets
    the class variables below. A key may not have the same name as another system's key with another
    meaning: an error about a misplaced key names the system that has it.
    """

    # Environment variables for the default account; the first one that is set counts.
    token_variables: ClassVar[tuple[str, ...]] = ()
    base_url_variables: ClassVar[tuple[str, ...]] = ()
    api_paths: ClassVar[tuple[str, ...]] = ()  # paths that may follow the origin in `base_url`
    # The prefix of this vendor's keys: "mog_". An account of another system refuses such a key and
    # names this system.
    key_prefixes: ClassVar[tuple[str, ...]] = ()
    # Kinds that are separate per account: the same id under another account is another feed.
    own_kinds: ClassVar[frozenset[str]] = frozenset()

    name: str = Field(
        default="default",
        pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$",
        description="Label in records and metrics. A new name gives all records new identities.",
    )
    system: str = Field(description="Kind of upstream.")
    base_url: str = Field(description="Origin of the server.")
    allow_plain_http: bool = Field(
        default=False, description="Allow sending the token over http:// to another host."
    )
    token_file: FilePath | None = Field(
        default=None,
        description="File that contains only the token; read again when it changes.",
    )
    token_env: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$",
        description="Name of the environment variable that holds the token, instead of token_file.",
    )
    proxy: str | None = Field(
        default=None,
        description='URL of an HTTP proxy, without a password; "" means none. Omitted:'
        " HTTP_PROXY, HTTPS_PROXY and NO_PROXY apply.",
    )
    requests_per_minute: int = Field(
        default=60, ge=1, le=6000, description="Requests that this token may make in a minute."
    )

    @field_validator("token_file")
    @classmethod
    def _is_no_token(cls, path: str | None) -> str | None:
        if path is not None and cls.key_prefixes and path.startswith(cls.key_prefixes):
            raise ValueError("a path to a file that holds the token, not the token")
        return path

    @field_validator("proxy")
    @classmethod
    def _is_proxy(cls, url: str | None) -> str | None:
        if url:
            if not is_proxy(url):
                raise ValueError("a URL like http://proxy.example:3128")
            if "@" in url:
                raise ValueError("a URL without a password; HTTPS_PROXY may have one")
        return url

    def origin(self) -> str:
        """Return `base_url` as scheme://host[:port].

        Raises:
            ValueError: `base_url` has another form; the text says which it must have.
        """
        return to_origin(
            self.base_url,
            example=type(self).model_fields["base_url"].default,
            paths=self.api_paths,
            allow_plain_http=self.allow_plain_http,
        )

    def listed(self) -> Sequence[tuple[str, str]]:
        """Return the feeds that the settings name: kind and id, in the system's normal form."""
        return ()

    @classmethod
    def listing(cls, kind: str, id_: str) -> tuple[str, str]:
        """Return how to list one more feed: the key, and the text to add to its list.

        Raises:
            ValueError: The settings cannot name such a feed.
        """
        raise ValueError(f"{kind} {id_}: accounts of this system list no feeds")

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield problems across keys: the key, and what it must be or must not do."""
        yield from ()
