"""Resolves what a person wrote (an account, a kind, an id) to a feed."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import NoReturn

from bridge.core.event import Feed
from bridge.outputs.http.port import InvalidIdError, UnknownAccountError
from bridge.sources.port import Source

_SHOWN_CHARS = 100  # of a name in an error


class Names:
    """Resolves ids through the systems of all accounts; `default_account` may change."""

    def __init__(self, sources: Mapping[str, Source], default_account: str) -> None:
        self.default_account = default_account
        self._sources = sources

    def feeds(self, kind: str | None, text: str, account: str | None) -> Iterator[Feed]:
        """Every feed that `text` may mean.

        Args:
            kind: The kind of the feed; None is any.
            text: The id as a person wrote it.
            account: The account's name; None is any.
        """
        for name, source in self._sources.items():
            if account is None or account == name:
                for known in source.system.kinds if kind is None else (kind,):
                    try:
                        yield source.system.feed(name, known, text)
                    except ValueError:
                        continue

    def name(self, kind: str, text: str, account: str | None) -> Feed:
        """The feed to follow for `text`.

        Without `account`, the default account is preferred, then the first account with such feeds.

        Raises:
            InvalidIdError: No account can have a feed with this id.
        """
        feeds = {feed.account: feed for feed in self.feeds(kind, text, account)}
        if not feeds:
            self.refuse(kind, text, account)
        return feeds.get(self.default_account) or next(iter(feeds.values()))

    def refuse(self, kind: str | None, text: str, account: str | None) -> NoReturn:
        """Raise an error that says why no account can have such a feed.

        Raises:
            InvalidIdError: Always; the text comes from the first system that has the kind.
        """
        shown = f'"{text[:_SHOWN_CHARS]}"'
        sources = self._sources.values() if account is None else (self._sources[account],)
        for source in sorted(sources, key=lambda s: s.name != self.default_account):
            if kind is None or kind in source.system.kinds:
                meant = kind or next(iter(source.system.kinds))
                try:
                    source.system.feed(source.name, meant, text)
                except ValueError as error:
                    raise InvalidIdError(f"{shown} is no {meant} id: {error}") from None
        known = dict.fromkeys(kind for source in sources for kind in source.system.kinds)
        raise InvalidIdError(
            f'no account has feeds of kind "{(kind or "")[:_SHOWN_CHARS]}";'
            f" there are: {', '.join(known)}"
        )

    def source(self, account: str) -> Source:
        """The source of an account.

        Raises:
            UnknownAccountError: No account has this name; the error suggests the nearest one.
        """
        source = self._sources.get(account)
        if source is None:
            near = difflib.get_close_matches(account, self._sources, n=1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise UnknownAccountError(f'no account is named "{account[:_SHOWN_CHARS]}"{hint}')
        return source
