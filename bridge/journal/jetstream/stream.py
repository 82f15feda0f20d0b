"""The stream's required settings: for a new stream; an existing one is compared, never changed."""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple

from bridge.core.errors import BridgeError, ConfigError, JournalError
from bridge.journal.jetstream.engine import Engine, EngineError
from bridge.journal.jetstream.messages import ROLLUP, Meta, Outgoing, Subjects, to_meta

NO_STREAM = 10059
_NO_JETSTREAM = frozenset({10039, 10076})  # for this account, or at all
# Required settings, and the reason for each.
_NEEDED: dict[str, tuple[Any, str]] = {
    "retention": ("limits", "readers do not take messages away"),
    "storage": ("file", "a record is acknowledged when it is on a disk"),
    "allow_atomic": (True, "records and the place they go on from are stored together"),
    "allow_direct": (True, "late readers are served by every copy"),
    "allow_rollup_hdrs": (True, "a state replaces the one before"),
    "deny_purge": (False, "retention drops the oldest"),
    "max_age": (0, "retention is the bridge's: states must not age"),
    "max_msgs": (-1, "retention is the bridge's"),
    "max_msgs_per_subject": (-1, "retention is the bridge's"),
}


class Found(NamedTuple):
    """A stream that fits."""

    meta: Meta
    created: str  # its time of creation, by the engine


async def ensure(engine: Engine, subjects: Subjects, *, may_create: bool) -> Found:
    """Check the stream, or create it; return what the engine says of it.

    Raises:
        ConfigError: The stream does not fit; the text says why.
        JournalUnavailableError: The engine does not answer now.
    """
    name, address = engine.address.stream, engine.address
    try:
        said = await engine.api(f"STREAM.INFO.{name}")
    except EngineError as error:
        if error.err_code != NO_STREAM:
            raise _refused(engine, "", error) from None
        if not may_create:
            raise ConfigError(f"there is no journal {address}: NATS has no such stream") from None
        said = await _create(engine, subjects)
    config = said["config"]
    for key, (needed, why) in _NEEDED.items():
        found = config.get(key, False if isinstance(needed, bool) else None)
        if found != needed:
            raise ConfigError(
                f"journal {address}: the stream has {key} = {found}, needed is {needed} ({why});"
                " nothing was changed: use `nats stream edit`, or another name"
            )
    if config.get("subjects") != [subjects.all]:
        raise ConfigError(
            f"journal {address}: the stream takes {config.get('subjects')}, not {subjects.all};"
            " choose another name"
        )
    return Found(await _meta(engine, subjects), said["created"])


async def _create(engine: Engine, subjects: Subjects) -> dict[str, Any]:
    address = engine.address
    config = {
        "name": address.stream,
        "description": "journal of mogplex-bridge",
        "subjects": [subjects.all],
        "num_replicas": address.replicas,
        # at a limit that the operator sets, the engine refuses appends; it drops nothing
        "discard": "new",
        "duplicate_window": 100_000_000,  # the shortest possible: the follower knows the ids
        "allow_atomic": True,
        "allow_direct": True,
        "allow_rollup_hdrs": True,
        "retention": "limits",
        "storage": "file",
    }
    try:
        return await engine.api(f"STREAM.CREATE.{address.stream}", config, timeout_s=10.0)
    except EngineError as error:
        raise _refused(engine, "cannot make the stream: ", error) from None


def _refused(engine: Engine, what: str, error: EngineError) -> BridgeError:
    """Return the error of a refusal; no ConfigError if temporary: a supervisor restarts us."""
    if error.may_pass and error.err_code not in _NO_JETSTREAM:
        return engine.unavailable(f"{what}{error}")
    return ConfigError(f"journal {engine.address}: {what}{error}")


async def _meta(engine: Engine, subjects: Subjects) -> Meta:
    """Return the stream's meta message; the first replica draws the epoch."""
    found = await engine.last_of(subjects.meta)
    if found is None:
        meta = Meta(secrets.token_hex(6), 1)
        try:
            await engine.store(Outgoing(subjects.meta, meta.payload(), ROLLUP), expected=0)
        except EngineError as error:
            if not error.is_wrong_sequence:
                raise _refused(engine, "", error) from None
        found = await engine.last_of(subjects.meta)
    if found is None:
        raise engine.unavailable("what was stored cannot be read")
    return to_meta(found.payload)


def changed(engine: Engine) -> JournalError:
    """Return the error for a stream whose epoch has changed."""
    return JournalError(
        f"journal {engine.address}: another replica found that old positions refer to other records"
        " now; the next start continues with what is there"
    )
