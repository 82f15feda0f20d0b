"""The gate: references, placeholders, code and words pass; what carries weight does not."""

from __future__ import annotations

import pytest

from bridge.redact.values import harmless
from tests.cases import each_case

WORDS = ("password",)


@each_case(
    "value",
    [
        "$SECRET", "${API_KEY}", "${{ secrets.X }}", "{{ secret }}", "%PASSWORD%", "%s", "<your-token>", "<REDACTED>",
        "[redacted]", "********", "[FILTERED] by x9", "(hidden) a1b2c3", "●●●a1b2c3d4", "<hidden a1", "xxxxxxxx", "...", "YOUR_API_KEY", "your-token", "changeme", "my_api_key_here",
        "process.env.TOKEN", "os.environ['X']", "vault:secret/data/x", "op://vault/item", "arn:aws:iam::1:role/x",
        "/run/secrets/db", "./key.pem", "https://example.com/reset", "sha256:0a1b2c3d4e5f", "none", "string", "Password",
        "Enter your password", "forgot password", "DB_PASSWORD", "api-key", "userPassword", "#cccccc", "", "ab",
        "mog_" + "AbCdEfGh...", "(?=[^a-z]+)", "!vault |",
    ],
)  # fmt: skip
def test_a_harmless_value_is_let_through(value: str) -> None:
    assert harmless.harmless_text(value, WORDS)


@pytest.mark.parametrize(
    "value",
    [
        "iloveyou", "hunter2", "DeltaUmber86", "m3@d0w8027", "Falcon1774@", "$Falcon1774", "Tundra4121%", "motdepasse-é",
        "nickel indigo pebble quartz", "raven with garnet 21", "nectar-amber-fjord", "/9j4AAQSkZJRg+BAQ", "z5-DR#bAkc#i",
        "a65b0146769d433a835f36660881db50", "BYpxizD4uV4IxVupWFZPPg6", "600533",
    ],
)  # fmt: skip
def test_a_secret_is_not_taken_for_harmless(value: str) -> None:
    assert not harmless.harmless_text(value, WORDS)


@pytest.mark.parametrize(
    "value",
    [
        "get_credential()",
        "self.token",
        "values[0]",
        "input.githubToken",
        "a::b::c",
        "3600",
        "v1.2.3",
        "@Value(",
        "new Token(",
    ],
)
def test_code_passes_where_a_value_has_no_quotes(value: str) -> None:
    assert harmless.harmless_code(value, WORDS, "")


@pytest.mark.parametrize(
    ("value", "weight"),
    [
        ("iloveyou", harmless.NO_WEIGHT), ("hunter2", harmless.SOME_WEIGHT), ("Meadow$x", harmless.SOME_WEIGHT),
        ("a8f5f167f44f4964e6c998dee827110c", harmless.HEAVY), ("dCvviZVwZ84NWfU9jQzR2MO5", harmless.HEAVY),
        ("cmp2-qat-1208358310", harmless.SOME_WEIGHT), ("CloudFrontOriginAccessIdentityList", harmless.NO_WEIGHT),
        ("1234567890123456", harmless.NO_WEIGHT), ("two words", harmless.NO_WEIGHT),
    ],
)  # fmt: skip
def test_weight_tells_chance_from_words(value: str, weight: int) -> None:
    assert harmless.weight(value) == weight


def test_half_a_masked_secret_that_shows_too_much_is_not_a_mask() -> None:
    assert harmless.is_marked("abcd1234...")
    assert not harmless.is_marked("abcd1234efgh5678ijkl...")
