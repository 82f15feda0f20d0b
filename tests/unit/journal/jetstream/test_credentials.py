"""Who is let in by the engine, and what is said to those who are not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.core.errors import ConfigError
from bridge.journal.jetstream.address import parse
from bridge.journal.jetstream.journal import StreamJournal
from tests.journal_records import drafts, read_all
from tests.nats_credentials import make_trust
from tests.nats_server import NatsServer, new_stream

PATIENCE_S = 2.0
OTHER = make_trust().credentials
BAD = {"empty": "", "nonsense": "nonsense", "another's": OTHER, "nul": "\0\0", "cut": OTHER[:-60]}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[NatsServer, Path]]:
    """A server that asks for credentials, and a file with some."""
    directory = tmp_path_factory.mktemp("guarded")
    trust = make_trust()
    server = NatsServer(directory / "n", more=trust.configuration)
    server.start()
    yield server, trust.write(directory / "right.creds")
    server.kill()


async def test_a_credentials_file_opens_the_journal(guarded: tuple[NatsServer, Path]) -> None:
    """A library for it was missing: the start ended in a traceback."""
    server, file = guarded
    journal = await StreamJournal.open(parse(server.url(new_stream()), file))
    await journal.append(drafts("r", 0, 3))
    assert len(await read_all(journal)) == 3
    await journal.close()


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
async def test_credentials_that_are_none_or_of_another_are_a_fault_of_the_configuration(
    guarded: tuple[NatsServer, Path], tmp_path: Path, text: str
) -> None:
    """Waited for like an engine that does not answer: exit code 69, started again for ever."""
    file = tmp_path / "wrong.creds"
    file.write_text(text)
    with pytest.raises(
        ConfigError, match=r"refuses the connection|wrong\.creds: is no credentials file"
    ):
        await StreamJournal.open(parse(guarded[0].url("T"), file), patience_s=PATIENCE_S)


async def test_a_credentials_file_that_is_missing_is_named(
    guarded: tuple[NatsServer, Path], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"gone\.creds: no such file"):
        await StreamJournal.open(parse(guarded[0].url("T"), tmp_path / "gone.creds"))


async def test_who_has_no_credentials_is_told(guarded: tuple[NatsServer, Path]) -> None:
    with pytest.raises(ConfigError, match="refuses the connection"):
        await StreamJournal.open(parse(guarded[0].url("T")), patience_s=PATIENCE_S)
