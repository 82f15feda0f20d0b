"""The names of MIOSA's things, as people, records and paths write them. Pure."""

from __future__ import annotations

import re

from bridge.core.event import Feed
from bridge.core.event import feed_of as usual_feed
from bridge.sources.miosa.rules import words

SYSTEM = "miosa"
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_SNAPSHOT_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}", re.ASCII)

# The list of a kind, and the collection of its items. Runs have two names (rules/learnt.py).
PATHS = {
    words.SANDBOX: "/sandboxes",
    words.COMPUTER: "/computers",
    words.BUILD: "/sandbox-template-builds",
    words.DEPLOYMENT: "/deployments",
}


def normalised_id(kind: str, text: str) -> str:
    """Return an id in upstream's form.

    Raises:
        ValueError: Upstream cannot have this id; the message is a sentence for people.
    """
    text = text.strip()
    if kind == words.TENANT:
        if text not in ("", words.TENANT):
            raise ValueError('there is one tenant for a key: its feed is "tenant", without an id')
        return words.TENANT
    if kind == words.SNAPSHOT:
        return _snapshot_id(text)
    if _UUID.fullmatch(text) is None:
        hint = "; a snapshot is named snapshot:OWNER/SID" if "/" in text else ""
        raise ValueError(f'"{text[:100]}" is no id of a {kind}: it is a UUID{hint}')
    return text.lower()


def is_uuid(text: str) -> bool:
    """Whether an id has the form that all but snapshots have."""
    return _UUID.fullmatch(text) is not None


def _snapshot_id(text: str) -> str:
    owner, slash, snapshot = text.partition("/")
    if not slash or _UUID.fullmatch(owner) is None or _SNAPSHOT_PART.fullmatch(snapshot) is None:
        raise ValueError(
            f'"{text[:100]}" is no id of a snapshot: it is OWNER/SID, where OWNER is the UUID of '
            "its computer or sandbox"
        )
    if _UUID.fullmatch(snapshot) is not None:
        snapshot = snapshot.lower()
    return f"{owner.lower()}/{snapshot}"


def feed_of(account: str, kind: str, id_: str) -> Feed:
    """Name a feed.

    Raises:
        ValueError: The kind is unknown, or upstream cannot have this id.
    """
    if kind not in words.KINDS:
        raise ValueError(f'"{kind}" is no kind of MIOSA\'s: {", ".join(words.KINDS)}')
    id_ = normalised_id(kind, id_)
    if kind == words.TENANT:  # one per account: its source needs no id
        return Feed(SYSTEM, account, kind, id_, f"/{SYSTEM}/{account}/{words.TENANT}")
    return usual_feed(SYSTEM, account, kind, id_)


def guessed_kind(kind: str, text: str) -> str | None:
    """Guess the kind of a text that is no id of `kind`; None without a guess."""
    text = text.strip()
    if text == words.TENANT:
        return words.TENANT
    if "/" in text and kind != words.SNAPSHOT:
        return words.SNAPSHOT
    return None
