"""Kinds that sets of events by strangers brought: what leaked, and what was destroyed."""

from __future__ import annotations

from bridge.redact import Redactor
from bridge.redact.jsondoc import Document
from tests.cases import each_case

P = "Lupin-Quarry" + "8145"
K = "wR7kd92LmQ" + "x4Tz8nVb3cYq5sHd" + "Jf61Pw0eRtUa"
HEAD = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
JWT = f"{HEAD}.eyJzdWIiOi{K * 6}.{K}"
REDACTOR = Redactor()


@each_case(
    ("text", "secret"),
    [
        (f'const legacy = "v4.local.{K}{K}"', K), (f"sub v2.public.{K}{K}.{K[:20]} ok", K), (f'let t = env::var("API_TOKEN").unwrap_or_else(|_| "{K}".to_string());', K),
        (f'let token = env::var("API_TOKEN").unwrap_or("{K}".into());', K), (f"  stats auth ops:{P}", P),
        (f"[smtp.example.org]:587 ops@example.com:{P}", P), (f"CREATE USER a IDENTIFIED WITH sha256_password BY '{P}' HOST ANY", P),
        (f"The seeded admin is admin@example.com / {P}.", P), (f"it uses basic auth svc:{P} against nexus", P),
        (f"Please add {K} as the value of the DEPLOY_KEY secret", K),
    ],
)  # fmt: skip
def test_a_secret_of_these_kinds_goes(text: str, secret: str) -> None:
    result = REDACTOR.text(text)
    assert secret not in result
    assert REDACTOR.text(result) == result


@each_case(
    ("text", "kept"),
    [
        (f"GET /ws?access_token={JWT}&room=lobby 101", "&room=lobby 101"), (f"location: https://a.example/#id_token={JWT}&state=home", "&state=home"),
        (f"smtps://deploy%40example.com:{P}@smtp.example.org:465", "deploy%40example.com"),
        ("-----BEGIN RSA PRIVATE" + f" KEY-----\n{K}{K}\n{K}{K}\n... [output truncated]", "\n... [output truncated]"),
        ("type T = Pick<OAuth, 'accessToken' | 'expiresIn'>;", "'expiresIn'"), ("const JWT = /^eyJ[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$/;", "/^eyJ[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$/"),
        ("Benutzername oder Passwort ist falsch", "falsch"), ("La contraseña es incorrecta", "incorrecta"), ('{"auth.token": "Código de acceso"}', "Código de acceso"),
        ("import v4.local.settings; curl v2.public.example.com", "v4.local.settings; curl v2.public.example.com"), ("admin is online: 14:32:01", "14:32:01"),
        ("listening on [::]:25 and [::]:587 for mail", "and [::]:587 for mail"), ("basic auth is required: see docs", "required: see docs"),
    ],
)  # fmt: skip
def test_what_stands_beside_a_secret_or_looks_like_one_stays(text: str, kept: str) -> None:
    assert kept in REDACTOR.text(text)


@each_case(
    ("before", "after"),
    [
        ("can you log in with dana@acme.io and ⟦? Thanks", "can you log in with dana@acme.io and [REDACTED:password]? Thanks"), ("I logged in as root with ⟦", "I logged in as root with [REDACTED:password]"),
        ("credentials: dana, ⟦", "credentials: dana, [REDACTED:password]"), ("the temp password I set is ⟦", "the temp password I set is [REDACTED:password]"),
        ("when asked for the password enter ⟦", "when asked for the password enter [REDACTED:password]"), ("wifi key ⟦ upstairs", "wifi key [REDACTED:api-key] upstairs"),
        ("Use 482913 as your account security code", "Use [REDACTED:otp] as your account security code"), ("The OTP I received is 482913.", "The OTP I received is [REDACTED:otp]."),
    ],
)  # fmt: skip
def test_a_sentence_that_says_it_in_other_words(before: str, after: str) -> None:
    assert REDACTOR.text(before.replace("⟦", "Vq8xZr2Lw97")) == after


@each_case(
    "text",
    [
        "sign in with Google and OAuth2", "log in as dana and page2", "logged in as root with sudo", "log in with SSO and YubiKey5", "credentials: optional, see part2.rst",
        "Use 2024 as your base year", "the password you enter is checked", "enter the password you chose", "a password I can try is none",
    ],
)  # fmt: skip
def test_a_sentence_about_logins_stays(text: str) -> None:
    assert REDACTOR.text(text) == text


def test_a_code_without_a_digit_goes_with_the_others_of_its_list() -> None:
    codes = ["lrdmx-dvrcw", "9twut-5fo5r", "nw8uu-12qav", "keep them safe"]
    assert REDACTOR.value({"recoveryCodes": codes}) == {
        "recoveryCodes": ["[REDACTED:otp]", "[REDACTED:otp]", "[REDACTED:otp]", "keep them safe"]
    }


@each_case("digits", [12, 41, 300, 1_001, 4_000, 5_000, 20_000])
def test_a_number_of_any_length_goes(digits: int) -> None:
    """Above 1,000 digits it was read as infinity, above 4,300 it raised an error."""
    number = "73" * (digits // 2) + "5" * (digits % 2)
    line = f'{{"password": {number}}}'
    assert Document(line).changed(REDACTOR.value) == '{"password": "[REDACTED:password]"}'
    assert REDACTOR.text(line) == '{"password": "[REDACTED:password]"}'
    assert REDACTOR.value({"password": 7**digits}) == {"password": "[REDACTED:password]"}
    assert REDACTOR.value({"size": 7**digits}) == {"size": 7**digits}


def test_the_output_of_dumpprivkey_is_a_secret() -> None:
    key = "L2XBHVunB4xSh6soierPFfZ7pYjs" + "K3763UQoVaUjMyjYQxH3QAgw"
    event = {"input": {"command": "bitcoin-cli dumpprivkey bc1qar0srr"}, "output": {"stdout": key}}
    assert key not in str(REDACTOR.value(event))


ENVIRONMENT = {
    "FEATURE_FLAGS": "checkout,newnav", "JAVA_OPTS": "-Xmx2g -XX:+UseG1GC", "DATABASE_URL": "postgres://db:5432/app", "S3_BUCKET": "acme-prod-assets",
    "GIT_SHA": "9f3c2d1e8b7a6f5e4d3c2b1a0f9e8d7c6b5a4f3e", "SMTP_FROM": "Acme <no-reply@acme.io>", "DB_NAME": "shop_production", "MODEL": "gpt-5-mini", "LOG_LEVEL": "warn",
    "POD_NAME": "web-7d9f8b6c5-x2x9k", "KAFKA_BROKERS": "kafka-0:9092,kafka-1:9092", "TITLE": "Acme Admin", "SCHEDULE": "*/5 * * * *", "STRIPE_PRICE_ID": "price_1NvQ2eLkdIwHu7ixvD4kP2aB",
    "ALLOWED_HOSTS": "localhost,127.0.0.1", "AUTH0_DOMAIN": "acme.eu.auth0.com", "DOCKER_HOST": "unix:///var/run/docker.sock", "CLUSTER": "prod-eu-1",
}  # fmt: skip


def test_the_settings_of_an_environment_stay() -> None:
    """Two of five were replaced, because they are no words and have no well-known name."""
    pairs = [{"name": name, "value": value} for name, value in ENVIRONMENT.items()]
    for held in (ENVIRONMENT, [f"{name}={value}" for name, value in ENVIRONMENT.items()], pairs):
        assert REDACTOR.value({"env": held}) == {"env": held}


@each_case(
    "value",
    [
        "hV3kTq8LmZx2Wn5Rj7pD6sYc",
        "Vq8xZr,2Lw9kTe,3Hj5Nb",
        "otterHarbor22",
        "Summer2026!",
        "otter_walrus_42",
    ],
)
def test_a_secret_of_an_environment_goes_whatever_its_name(value: str) -> None:
    assert REDACTOR.value({"env": {"RELAY": value}}) == {"env": {"RELAY": "[REDACTED:env]"}}
    assert REDACTOR.value({"env": [f"RELAY={value}"]}) == {"env": ["RELAY=[REDACTED:env]"]}


@each_case(
    ("before", "after"),
    [
        ("La contraseña de la base es otter-walrus-59, el usuario es a", "La contraseña de la base es [REDACTED:password], el usuario es a"),
        ("Het wachtwoord voor de VPN is otterHarbor.plum81, ja", "Het wachtwoord voor de VPN is [REDACTED:password], ja"), ("signing.password=otterHarbor.plum95", "signing.password=[REDACTED:password]"),
        ('new HttpBasicAuthenticator("erp", "otter_2005x")', 'new HttpBasicAuthenticator("erp", "[REDACTED:secret]")'), ("\toption key 'otter1973!'\n", "\toption key '[REDACTED:password]'\n"),
        ("APP_KEY=base64:hV3kTq8LmZx2Wn5Rj7pD6sYchV3kTq8LmZx2Wn5Rj7o=", "APP_KEY=base64:[REDACTED:api-key]"),
    ],
)  # fmt: skip
def test_what_a_fifth_set_missed(before: str, after: str) -> None:
    assert REDACTOR.text(before) == after
    assert REDACTOR.text(after) == after


@each_case(
    "text",
    [
        "jwt.secret=@jwt.secret@",
        '"passwordConfirm": "パスワード(確認)"',
        '"secretKey": "秘密鍵"',
        '"password": "비밀번호 확인"',
        '"BlockDomainPicturePassword"=dword:00000001',
        "routing_key: orders.created",
    ],
)
def test_what_a_fifth_set_lost(text: str) -> None:
    assert REDACTOR.text(text) == text


def test_a_data_source_keeps_its_host() -> None:
    new = REDACTOR.value({"dsn": "root:otterHarbor22@tcp(mysql-0.mysql:3306)/billing"})["dsn"]
    assert new == "root:[REDACTED:url-credential]@tcp(mysql-0.mysql:3306)/billing"


@each_case(
    ("before", "after"),
    [
        ('var signingKey = []byte("⟦")', 'var signingKey = []byte("[REDACTED:api-key]")'), ('@@ -1 +1 @@\n+jwtSecret := []byte(`⟦`)', '@@ -1 +1 @@\n+jwtSecret := []byte(`[REDACTED:secret]`)'),
        ('tokens := []string{"⟦", "⟦x"}', 'tokens := []string{"[REDACTED:token]", "[REDACTED:token]"}'), ("influx config create -n prod -o acme -t ⟦", "influx config create -n prod -o acme -t [REDACTED:password]"),
    ],
)  # fmt: skip
def test_what_a_seventh_set_missed(before: str, after: str) -> None:
    assert REDACTOR.text(before.replace("⟦", "i0GL9DlmM2DOP5DAfsX0io1ry2FF9zgl")) == after


@each_case(
    "text",
    [
        "# Generate with: openssl rand -hex 32\nSECRET_KEY=\nDATABASE_URL=postgres://localhost:5432/app", '"jsonwebtoken": ["jsonwebtoken@9.0.2", "", {}, "x"],',
        "terraform import aws_kms_key.main 8d254cf5-6426-4ea8-92ca-fff83f9ca3a3", "NAME            DIGEST            CREATED AT\nSESSION_SECRET  781a1581b60ce6cc  2d ago",
    ],
)  # fmt: skip
def test_what_a_seventh_set_lost(text: str) -> None:
    assert REDACTOR.text(text) == text
