"""A record comes in two halves around its sequence and is one CloudEvents object (outside.md 2)."""

from __future__ import annotations

import json

import pytest

from bridge.wire.cloudevents import Encoder

SOURCE, SUBJECT = "/stranger/a/things/Ab%2F1%20%C3%BC", "Ab/1 ü"


def encoded(**more: object) -> dict[str, object]:
    values = {
        "time": "2026-08-03T15:00:33.1Z",
        "recorded": "2026-08-03T15:00:34Z",
        "status": None,
        "data": {"message": "m"},
        **more,
    }
    encoder = Encoder(source=SOURCE, subject=SUBJECT, account="a")
    head, tail = encoder.encode("e1", "t.x", **values)  # type: ignore[arg-type]
    value = json.loads(head + b"%020d" % 42 + tail)
    assert isinstance(value, dict)
    return value


def test_the_halves_around_a_sequence_are_the_whole_record() -> None:
    assert encoded(status="streaming") == {
        "specversion": "1.0",
        "id": "e1",
        "source": SOURCE,
        "type": "t.x",
        "subject": SUBJECT,
        "time": "2026-08-03T15:00:33.1Z",
        "datacontenttype": "application/json",
        "sequence": "00000000000000000042",
        "recordedtime": "2026-08-03T15:00:34Z",
        "account": "a",
        "runstatus": "streaming",
        "data": {"message": "m"},
    }


def test_a_status_that_is_not_known_is_left_out_and_not_null() -> None:
    assert "runstatus" not in encoded()


@pytest.mark.parametrize("text", ['say "hi"', "line\nend", "back\\slash", "\u2028", "ü" * 3])
def test_no_text_breaks_the_object_it_stands_in(text: str) -> None:
    value = encoded(status=text, data={text: [text]})
    assert value["runstatus"] == text
    assert value["data"] == {text: [text]}


def test_the_record_is_one_line() -> None:
    head, tail = Encoder(source="s", subject="a\nb", account="a").encode(
        "i\n", "t", time="x", recorded="y", status="a\nb", data={"m": "a\nb"}
    )
    assert b"\n" not in head + tail
