"""Large events are redacted beside the loop, small ones on it; order and counts are the same. Why
nothing is written is logged by its cause.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.core.errors import JournalFullError, JournalUnavailableError
from bridge.core.event import Event
from bridge.core.state import FeedState
from bridge.intake.intake import log_wait
from bridge.intake.writing import ASIDE_FROM, Writing
from bridge.redact import Memory, Redactor
from bridge.sources.mogplex.system import MOGPLEX, RUN_KIND
from bridge.sources.port import Batch
from bridge.wire.cloudevents import Encoder
from bridge.wire.jsontext import dumps, loads

FEED = MOGPLEX.feed("default", "run", "3f0c1c52-8d5e-4c8e-9d0a-2b1f6c7d8e9f")
SECRET = "password=Qx7vT2mLw9RbK4"


class Meeting(Mapping[str, Any]):
    """Read only after the loop has had its turn; who reads it on the loop waits in vain."""

    def __init__(self) -> None:
        self.asked, self.answered = threading.Event(), threading.Event()
        self.met = False

    def __iter__(self) -> Iterator[str]:
        self.asked.set()
        self.met = self.answered.wait(10)
        return iter(())

    def __len__(self) -> int:
        return 0

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    async def answer(self) -> None:
        while not self.asked.is_set():
            await asyncio.sleep(0)
        self.answered.set()


def event(id_: str, payload: Mapping[str, Any]) -> Event:
    data = {"id": id_, "type": "log", "message": SECRET, "payload": dict(payload)}
    return Event(id=id_, type="log", time=None, created_at_s=None, data=data)


def writing(redactor: Redactor) -> Writing:
    return Writing(
        FeedState(FEED),
        RUN_KIND,
        Encoder(source=FEED.source, subject=FEED.id, account=FEED.account),
        redactor,
        0.0,
        Memory(),
    )


@pytest.mark.parametrize("large", ["x" * (ASIDE_FROM + 1), list(range(ASIDE_FROM + 1))])
def test_a_large_event_leaves_the_loop_to_others(large: Any) -> None:
    async def main() -> None:
        meeting = Meeting()
        redactor = Redactor()
        work = writing(redactor)
        events = [event("1", {}), event("2", {"large": large, "meeting": meeting}), event("3", {})]
        answering = asyncio.get_running_loop().create_task(meeting.answer())
        await work.write(Batch(events=events), events, None)
        await answering
        assert meeting.met, "the loop had no turn while the event was redacted"
        assert [draft.id for draft in work.drafts] == ["1", "2", "3"]
        assert all(b"Qx7vT2" not in draft.head + draft.tail for draft in work.drafts)
        assert redactor.take_counts() == {"assignment": 3}

    asyncio.run(main())


def test_a_lock_of_another_program_is_not_logged_as_a_full_disk() -> None:
    with capture_logs() as told:
        log_wait(JournalUnavailableError("another program holds a lock on it"))
        log_wait(JournalFullError("no space left"))
    assert [line["event"] for line in told] == ["journal.unavailable", "journal.full"]


@pytest.mark.parametrize("message", [SECRET, "harmless"])
def test_json_that_came_with_an_event_is_written_only_where_redaction_changes_nothing(
    message: str,
) -> None:
    async def main() -> bytes:
        work = writing(Redactor())
        of = event("1", {})
        data = {**of.data, "message": message}
        given = of._replace(data=data, json=dumps(data))
        await work.write(Batch(events=[given]), [given], None)
        (draft,) = work.drafts
        return draft.tail

    written = loads(b'{"a":"' + asyncio.run(main()))["data"]
    assert written["message"] == Redactor().text(message)
    assert ("Qx7vT2mLw9RbK4" in str(written)) is False
