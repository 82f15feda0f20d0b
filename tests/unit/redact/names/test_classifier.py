"""The classifier: which names hold a secret, in every spelling, and which only look like it."""

from __future__ import annotations

import pytest

from bridge.redact.names.classifier import BARE_KEY, CODE, ENV, NONE, SURE, WEAKLY, classify
from tests.cases import each_case


@each_case(
    "name",
    """password userPassword user_password USER_PASSWORD user-password user.password apiKey api_key
    API_KEY X-Api-Key ApiKey clientSecret client_secret token authToken X-Auth-Token refresh_token
    secretAccessKey AWS_SECRET_ACCESS_KEY privateKey ssh_key_b64 passphrase authorization Set-Cookie
    dbpassword MYSQLPASSWORD githubtoken passwd pwd DB_PASS jwt GITHUB_PAT_TOKEN newPassword
    password_confirmation apiKeyV2 TOKEN_1 ToKeN signingKey encryption_key_prod mot_de_passe
    contraseña пароль 密码 パスワード pаssword ＰＡＳＳＷＯＲＤ access_key_id accountKey""".split(),
)
def test_a_secret_name_is_known_in_every_spelling(name: str) -> None:
    assert classify(name).grade == SURE


@each_case(
    "name",
    """max_tokens tokens_used tokenCount token_type author authority primary_key public_key cacheKey
    sort_key tokenizer tokenize tokenEndpoint passwordPolicy hasPassword secretName keyPath keyboard
    monkey turkey compass bypass passive secretary private_key_id client_id nextPageToken stop_token
    credentialsFile passwordResetUrl password_reset_timeout tokenLimit isSecret sessionId id name
    PASSWORD_FIELD cookieParser keyword donkey passed idempotencyKey""".split(),
)
def test_a_look_alike_is_no_secret(name: str) -> None:
    assert classify(name).grade == NONE


@pytest.mark.parametrize(
    ("name", "grade"),
    [
        ("tokens", WEAKLY), ("auth", WEAKLY), ("lunchmoney_key", WEAKLY), ("tokenGithub", WEAKLY),
        ("key", BARE_KEY), ("otp", CODE), ("pin", CODE), ("verificationCode", CODE), ("oneTimeCode", CODE),
        ("statusCode", NONE), ("env", ENV), ("environment", ENV), ("envVars", ENV), ("envName", NONE),
    ],
)  # fmt: skip
def test_what_the_name_alone_cannot_tell_is_graded(name: str, grade: int) -> None:
    assert classify(name).grade == grade


def test_a_text_is_no_name() -> None:
    assert classify("password " * 40).grade == NONE
    assert classify("").grade == NONE
    assert classify("a b c d e f g h i j k l m n o p q password").grade == NONE
