"""A kind of output from outside: a target and a section, registered, and nothing else changed.

It collects lines in a list under a topic. From a configuration file it gets to lines, checks,
metrics, a reload, the reference page and errors as good as a built-in one's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from pydantic import Field

from bridge import output_kinds
from bridge.clock import Clock, SystemClock
from bridge.config import SettingsError, load_settings
from bridge.config.reference import example_text, json_schema, reference_text
from bridge.core.errors import ConfigError
from bridge.daemon.sinks import Sinks
from bridge.journal.memory import MemoryJournal
from bridge.metrics import Metrics
from bridge.outputs.sinks.port import Found, Intervals, Known, Mark, Target, TargetError
from bridge.outputs.sinks.settings import OutputSection
from tests.unit.outputs.sinks.file_outputs import until
from tests.unit.outputs.sinks.lines_world import drafts

REASONS = ("no_such_topic", "other")
TOPICS: dict[str, list[bytes]] = {}


class TopicTarget:
    """Implements `outputs.sinks.port.Target`."""

    has_memory = False
    reasons = REASONS
    facts: Mapping[str, Any] = {"kind": "topic"}
    intervals = Intervals(sync_s=0.0, checkpoint_s=0.0, idle_s=0.01)

    def __init__(self, topic: str) -> None:
        self.place = self._topic = topic

    async def open(self, known: Known | None) -> Found:
        del known
        if self._topic not in TOPICS:
            text = f"there is no topic {self._topic}"
            raise TargetError("no_such_topic", text, complaint=text)
        return Found()

    async def write(self, lines: Sequence[bytes], taken: Callable[[int], None]) -> None:
        TOPICS[self._topic] += lines
        taken(len(lines))

    async def sync(self) -> Mark:
        return {}

    async def close(self) -> Mark:
        return {}


class TopicOutput(OutputSection):
    """A topic of lines."""

    name_key: ClassVar[str] = "topic"
    reasons: ClassVar[Sequence[str]] = REASONS

    type: Literal["topic"] = Field(default="topic", description="Kind of output.")
    topic: str = Field(description="Its name.", examples=["events"])
    acks: int = Field(default=1, ge=0, le=3, description="Copies to wait for.")

    @property
    def name(self) -> str:
        return f"topic:{self.topic}"

    def target(self, clock: Clock) -> Target:
        del clock
        return TopicTarget(self.topic)

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        if self.topic == "none":
            yield ("topic",), 'must not be "none"'


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    output_kinds.register(TopicOutput)
    TOPICS.clear()
    TOPICS["a"] = []
    yield
    output_kinds.unregister(TopicOutput)


def settings(tmp_path: Path, text: str) -> Any:
    file = tmp_path / "bridge.toml"
    file.write_text(text)
    return load_settings(file, environ={})


async def test_it_writes_what_a_file_of_settings_asks_for_and_is_exchanged(tmp_path: Path) -> None:
    of = settings(
        tmp_path,
        '[[outputs]]\ntype = "topic"\ntopic = "a"\nfilter = {types = ["*.log"]}\nacks = 2\n'
        f'[[outputs]]\npath = "{tmp_path / "x.ndjson"}"\n',
    )
    journal: Any = MemoryJournal()
    metrics = Metrics()
    sinks = Sinks(journal, metrics, SystemClock(), on_end=lambda: None)
    await sinks.change(of.outputs)
    await journal.append(drafts(0, 5))
    running = asyncio.get_running_loop().create_task(sinks.run())
    await until(lambda: len(TOPICS["a"]) == 5)
    assert sinks.checks()["sink topic:a"]["ok"] is True
    series = [row for row in metrics.render(None)[0].splitlines() if b'sink="topic:a"' in row]
    assert [row for row in series if b'reason="no_such_topic"' in row]
    assert not [row for row in series if b"disk_full" in row]
    # One that cannot be opened refuses the reload; one with other settings goes on where it was.
    missing = TopicOutput(topic="missing")
    with pytest.raises(ConfigError, match="there is no topic missing"):
        await sinks.change([*of.outputs, missing])
    await sinks.change([TopicOutput(topic="a", acks=3)])
    await journal.append(drafts(5, 2))
    await until(lambda: len(TOPICS["a"]) == 7)
    running.cancel()
    await asyncio.wait([running])
    await sinks.close()
    assert len(set(TOPICS["a"])) == 7


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('type = "topik"', 'outputs[0].type must be "ndjson" or "topic" (did you mean "topic"?)'),
        ('type = "topic"', "bridge.toml:1: outputs[0].topic is required: its name"),
        ('type = "topic"\ntopic = "a"\nacks = 4', "bridge.toml:4: outputs[0].acks must be at most"),
        ('type = "topic"\ntopic = "a"\nackz = 1', "did you mean outputs[].acks?"),
        (
            'type = "topic"\ntopic = "a"\npath = "x"',
            'outputs[0].path is a setting of outputs of type "ndjson"; this output is of another',
        ),
        ('type = "topic"\ntopic = "none"', 'bridge.toml:3: outputs[0].topic must not be "none"'),
        (
            'type = "topic"\ntopic = "a"\n[[outputs]]\ntype = "topic"\ntopic = "a"',
            'outputs[0] and outputs[1] both write "a"',
        ),
        ('type = "topic"\ntopic = "a"\nfilter = {accounts = ["no"]}', "which is no account"),
        ('path = "x"\ntopic = "a"', 'is a setting of outputs of type "topic"'),
    ],
)
def test_what_is_wrong_with_one_is_told_as_of_a_built_in_one(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        settings(tmp_path, f"[[outputs]]\n{text}\n")
    assert any(told in problem for problem in raised.value.problems), raised.value.problems


def test_its_settings_are_in_the_reference_the_example_and_the_schema() -> None:
    assert '## `[[outputs]]` of type "topic"\n\nA topic of lines.' in reference_text()
    assert '#topic = "events"' in example_text()
    kinds = json_schema()["properties"]["outputs"]["items"]["anyOf"]
    assert [kind["properties"]["type"]["const"] for kind in kinds] == ["ndjson", "topic"]
    with pytest.raises(ValueError, match="there is an output of type topic already"):
        output_kinds.register(type("Other", (TopicOutput,), {}))
