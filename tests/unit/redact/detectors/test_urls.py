"""URLs, schemes, webhooks, and tokens marked in their middle."""

from __future__ import annotations

import base64

import pytest

from bridge.redact import Redactor

P = "Jbv2Tkfl4x" + "ajSM"
T = "dCvviZVwZ84NWfU9" + "jQzR2MO5"


@pytest.mark.parametrize(
    ("before", "secret", "after"),
    [
        ("https://bot:", P, "@git.example.com/team/app.git"), ("postgres://app:", P, "@db:5432/app"), ("redis://:", P, "@cache:6379/0"),
        ("mongodb+srv://u:", P + "%40x", "@c.example.net/x"), ("https://", T, "@github.com/a/b.git"), ("amqp://u:", "iloveyou", "@mq:5672/"),
        ("Bearer ", T, " ok"), ("basic ", base64.b64encode(b"dana:" + P.encode()).decode(), "\n"),
        ("https://hooks." + "slack.com/services/", f"T{T[:8].upper()}/B{T[8:16].upper()}/{T}", " ok"),
        ("https://api.telegram" + ".org/bot", "123456789:" + T + T[:11], "/sendMessage"),
        ("id ", T[:3] + "8Q~" + T + T[:10], " ok"),
    ],
)  # fmt: skip
def test_the_credential_goes_and_the_address_stays(before: str, secret: str, after: str) -> None:
    result = Redactor().text(before + secret + after)
    assert secret not in result
    assert result.startswith(before)
    assert result.endswith(after)


def test_a_url_cut_off_inside_its_password_is_redacted_to_the_end() -> None:
    assert P[:7] not in Redactor().text(f"connecting to postgres://app:{P[:7]}")


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com:8443/a@b", "http://h:8080/x@y", "mongodb://localhost:27017/test", "git@github.com:a/b.git", "https://user:password@e.com/",
        "https://$USER:$PASS@h/x", "postgres://${U}:${P}@db/a", "https://user:***@h/x", "Bearer token is required", "Basic usage is described below",
        "Bearer [redacted]", "https://hooks." + "slack.com/services/<id>", "https://registry.example.org/@jest/types/-/types-27.5.1.tgz", "a://b",
    ],
)  # fmt: skip
def test_addresses_without_credentials_stay(text: str) -> None:
    assert Redactor().text(text) == text
