"""Lines that are too long for their readers are cut and counted."""

from __future__ import annotations

import pytest

from bridge.core.errors import ConfigError
from bridge.journal.memory import MemoryJournal
from bridge.outputs.sinks.lines import LineSettings
from tests.unit.outputs.sinks.lines_world import drafts, output_files, sequences


async def test_long_lines_are_cut_and_counted(outputs, tmp_path):
    journal = MemoryJournal()
    sink = await outputs.open(journal, lines=LineSettings(bytes_max=2000))
    await journal.append([*drafts(0, 1), *drafts(1, 1, size=100_000), *drafts(2, 1)])
    await sink.close()
    data = output_files(tmp_path)[0].read_bytes()
    assert max(map(len, data.splitlines(keepends=True))) <= 2000
    assert sequences(output_files(tmp_path)) == [1, 2, 3]
    assert outputs.metric("sink_truncated_records_total", sink="out") == 1


def test_a_line_limit_too_small_for_a_record_is_refused():
    with pytest.raises(ConfigError, match="line_bytes"):
        LineSettings(bytes_max=10)
