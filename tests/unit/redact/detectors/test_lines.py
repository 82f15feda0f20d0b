"""Values on other lines than their name: behind empty lines, fences, continued lines, brackets."""

from __future__ import annotations

import pytest

from bridge.redact import Redactor
from tests.cases import each_case

P = "Lupin-Quarry" + "8145"
K = "wR7kd92LmQ" + "x4Tz8nVb3cYq"

HOLD = [
    "Password:\n\n    {p}\n\nPlease change it.",
    "Username\nadmin\nPassword\n{p}",
    "Username\n\nadmin\n\nPassword\n\n{p}\n\nURL",
    'api_key = (\n    "{k}"\n)',
    "**API key**\n\n```\n{k}\n```\nRotate monthly.",
    "## Password\n\n```text\n{p}\n```",
    "tool login --password \\\n  '{p}' \\\n  --host db1",
    "tool login --token `\n  {k} `\n  --host db1",
    "tool login --password ^\n  {p} ^\n  --host db1",
    "Your new API key is\n\n  {k}\n\nSave it",
    "The password has been set to\n{p}\n",
    "Here is the token, shown once:\n```\n{k}\n```",
    "Temporary password\n------------------\n{p}",
    "Generated root password\n{p}\n",
    "Client ID\nabc-web\nClient secret\n{k}",
    "Initial password\n\n{p}\n\nLog in and change it.",
    "> Password:\n> {p}",
]
HARMLESS = [
    "Password:\n\nForgot your password?",
    "Username\nadmin\nPassword\nRemember me",
    "Password\n\nMinimum8Characters",
    "Change password\n\nGoTo22Settings",
    "password:\n  description: x",
    "token:\n\n  refresh_token2",
    "tool --password \\\n  --host db1",
    "tool --token-file \\\n  /etc/Token22File",
    "# Token\n\n```\nnpm install tokenizer2\n```",
    "The password is\n\nrequired",
    'secret = (\n    get_secret("db")\n)',
    'password = (\n    "Enter your password"\n)',
    "Password\n=======\nUse passwd(1).",
    "Forgot password\n/reset/Password22",
    "Password\n\nconfirmPassword2",
]


@each_case("text", HOLD)
def test_a_value_below_its_name_goes(text: str) -> None:
    redactor = Redactor()
    result = redactor.text(text.format(p=P, k=K))
    assert P not in result
    assert K not in result
    first, *_, last = text.split("{k}" if "{k}" in text else "{p}")
    assert result.startswith(first)
    assert result.endswith(last)
    assert redactor.text(result) == result


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_stands_below_a_name_stays(text: str) -> None:
    assert Redactor().text(text) == text
