"""Every word of the pattern is asked for before the pattern is."""

from __future__ import annotations

import pytest

from bridge.redact.values.placeholders import is_placeholder
from tests.cases import each_case

YES = """your-token-goes YOUR_API x-your change_me changeit replace-with insert_your enter-your put_the
use-a an-example-1 my-placeholder token-here dummy-1 1-fake mock_x 9x0123456x ab1234567890 q-abcdefgh
abcd1234z abc123 abc123def deadbeef xxxxZ1 q***q tu-clave su_token ton.mot mi-llave votre-clef ihr-wort
deine_pin ihre.pin here-it-is my_secret test-token todo fooBar required|string paste-it type_in fill-a
set_the add-your provide-a scrubbed removed REDACTED changeThis""".split()
NO = """Zx81kQ0pWmT hunter2x tulip-9q mixer_77 heretic9 output-9q settled_7 xxx9Q
s3cr3t-Passw0rd! correct7horse""".split()


@each_case("value", YES)
def test_a_placeholder_is_one_in_any_case(value: str) -> None:
    assert is_placeholder(value), value


@pytest.mark.parametrize("value", NO)
def test_a_value_is_none(value: str) -> None:
    assert not is_placeholder(value)


def test_what_stands_beyond_the_window_does_not_count() -> None:
    assert not is_placeholder("Q" * 96 + "example")
    assert is_placeholder("Q" * 96 + "example", 256)
