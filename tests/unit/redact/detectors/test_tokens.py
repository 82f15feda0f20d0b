"""Tokens by prefix: whole, among others, cut at the end; and what only begins like one."""

from __future__ import annotations

import random
import re
import string
import uuid

import pytest

from bridge.redact import Redactor
from bridge.redact.detectors.prefix_traits import TRAITS
from bridge.redact.detectors.tokens import FORMATS, Format
from tests.cases import each_case

ALNUM = string.ascii_letters + string.digits
SAMPLES = {"h": "0123456789abcdef", "H": "0123456789ABCDEF", "u": string.ascii_uppercase + string.digits, "l": string.ascii_lowercase + string.digits}  # fmt: skip


def body(size: int, alphabet: str = ALNUM, seed: int = 5) -> str:
    draw = random.Random(seed)
    return "7q" + "".join(draw.choice(alphabet) for _ in range(size - 2))


def sample(form: Format) -> str:
    """A token of this format; the row's own pattern says which alphabet it takes."""
    for alphabet in (ALNUM, *SAMPLES.values()):
        draw = random.Random(11)
        text = "".join(
            draw.choice(alphabet) for _ in range(max(form.least, 20 if not form.exact else 0))
        )
        found = form.body.match(text)
        if found is not None and found.end() == len(text) and any(c.isdigit() for c in text):
            return text
    raise AssertionError(form.prefix)


REDACTOR = Redactor()


@each_case("form", FORMATS, ids=[form.written for form in FORMATS])
def test_every_row_of_the_table_finds_its_token(form: Format) -> None:
    token = form.written + sample(form)
    assert token not in REDACTOR.text(f"see {token} here")


@each_case("form", FORMATS, ids=[form.written for form in FORMATS])
def test_every_row_leaves_what_only_begins_like_its_token(form: Format) -> None:
    texts = [f"see {form.written}your_value_here now"]
    if form.rule.id == "provider-token":
        texts.append(f"see {form.written}{sample(form)[:4]} now")
    other = form.written.swapcase()
    if other != form.written and form.least >= 20 and other[-1] != ":":
        texts.append(f"see {other}{sample(form)} now")
    for text in texts:
        left = REDACTOR.text(text)
        assert left == text


@each_case("form", FORMATS, ids=[form.written for form in FORMATS])
def test_every_row_says_when_it_was_checked(form: Format) -> None:
    assert re.fullmatch(r"20\d\d-[01]\d-[0-3]\d", form.checked)
    assert form.issuer
    assert form.source == "-" or re.fullmatch(r"[a-z0-9.-]+\.[a-z]{2,}(?:/[\w./-]+)?", form.source)


@pytest.mark.slow
def test_a_uuid_is_never_a_token() -> None:
    draw = random.Random(7)
    for _ in range(20_000):
        text = f"/runs/{uuid.UUID(int=draw.getrandbits(128), version=4)}/events"
        assert REDACTOR.text(text) == text


@pytest.mark.parametrize("glue", ["yes", "40", "x9", "token"])
@pytest.mark.parametrize("prefix", ["gh" + "p_", "glpat" + "-", "sk_" + "live_", "mo" + "g_"])
def test_a_token_is_found_behind_a_word_that_it_is_glued_to(prefix: str, glue: str) -> None:
    token = prefix + body(40)
    assert REDACTOR.text(f"see {glue}{token} here") == f"see {glue}[REDACTED:token] here"


def test_an_access_key_id_is_found_behind_digits() -> None:
    key = "AKI" + "A" + "Q7ZT5WJ2NM4XC6VB"
    assert REDACTOR.text(f"id 40{key}.") == "id 40[REDACTED:access-key-id]."


def test_own_tokens_are_found_wherever_they_stand() -> None:
    for prefix in ("mo" + "g_", "msk_u_", "msk_live_", "convo_key_", "sset_", "mootup_pat_"):
        token = prefix + body(32)
        for frame in (
            "{}",
            "a {} b",
            "x={}",
            '"{}"',
            "\\n{}\\n",
            "({})",
            "Bearer {}",
            "/{}/",
            "%3D{}",
        ):
            assert token not in REDACTOR.text(frame.format(token)), (prefix, frame)


def test_the_shown_prefix_of_an_own_token_is_no_secret() -> None:
    for text in ("mog_" + "AbCdEfGh", "mog_" + "AbCdEfG1...", "key mog_" + "Ab3dEfGh created"):
        assert REDACTOR.text(text) == text


def test_a_token_cut_off_at_the_end_is_found_from_nine_characters_on() -> None:
    cut = "gh" + "p_" + body(9)
    assert cut not in REDACTOR.text(f"pushed with {cut}")
    assert cut not in REDACTOR.text(f"pushed with {cut}\n...[truncated 41 chars]")
    assert cut in REDACTOR.text(f"pushed with {cut} and more")


@pytest.mark.parametrize(
    "text",
    ["mcp__convo__share", "sk-toggleable__content-wrapper", "msk_cluster_name_here", "task-queue-worker-long-name-x",
     "npm_config_registry_url", "hf_hub_download_from_cache", "s.AcceptanceTimeoutSeconds", "ghp_" + "x" * 36, "RISK" + "0a1b2c3d" * 4, "is_live_" + "0a1b2c3d" * 4 + "abc", "ntn_12345678901"],
)  # fmt: skip
def test_names_and_placeholders_are_no_tokens(text: str) -> None:
    assert REDACTOR.text(f"a {text} b") == f"a {text} b"


def test_a_zero_width_character_inside_does_not_hide_a_token() -> None:
    token = "gl" + "pat-" + body(10) + "\ufeff" + body(10, seed=6)
    result = REDACTOR.text(f"token {token}, ok")
    assert body(10) not in result
    assert result.endswith(", ok")


def test_every_prefix_with_a_trait_has_a_row() -> None:
    prefixes = [word for row in TRAITS.split("\n") if row for word in row.split()[1:]]
    assert set(prefixes) <= {form.written for form in FORMATS}
