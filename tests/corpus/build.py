"""Builds labelled events from a seed: `(category, event, secrets, keep)`.

Deterministic: the same seed gives the same events on every platform. The random strings are made
here and were never anybody's key.
"""

from __future__ import annotations

import base64
import json
import random
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.corpus import blocks, harmless, texts

ALNUM = string.ascii_letters + string.digits
WORDS = """amber birch cedar delta ember fjord garnet harbor indigo juniper kettle lantern meadow
nickel orchid pebble quartz raven saffron tundra umber violet walnut yarrow zephyr""".split()
WEAK = ["sunshine", "letmein", "dragonfly", "trustnoone", "monkeybars", "football"]
_SLOT = re.compile(r"@([A-Za-z])(\d*)(-?)@")


@dataclass
class Case:
    """`secrets` must be gone from the redacted event, every `keep` must still be there."""

    category: str
    event: dict[str, Any]
    secrets: list[str]
    keep: list[str] = field(default_factory=list)


class Maker:
    """Draws values; remembers which of them are secrets."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.drawn: list[str] = []

    def pick(self, alphabet: str, size: int) -> str:
        return "".join(self.random.choice(alphabet) for _ in range(size))

    def mixed(self, alphabet: str, size: int) -> str:
        """At least one digit and one letter, as nearly every generated key has."""
        while True:
            value = self.pick(alphabet, size)
            if any(c.isdigit() for c in value) and any(c.isalpha() for c in value):
                return value

    def password(self) -> str:
        word = self.random.choice(WORDS)
        number = str(self.random.randrange(10, 9999))
        style = self.random.randrange(6)
        if style == 0:
            return f"{word.title()}{number}{self.random.choice('!@#$%&*')}"
        if style == 1:
            return f"{word}_{self.random.choice(WORDS)}{number}"
        if style == 2:
            return f"{word.title()}{self.random.choice(WORDS).title()}{number}"
        if style == 3:
            return word.replace("a", "@").replace("e", "3") + number
        if style == 4:
            return self.mixed(ALNUM, self.random.randrange(9, 24))
        return f"{word.upper()}{number}"

    def slot(self, kind: str, size: str, dash: str) -> str:
        n = int(size) if size else 0
        lower = string.ascii_lowercase + string.digits
        makers = {
            "T": lambda: self.mixed(ALNUM, self.random.choice([24, 32, 40, 48])),
            "P": self.password,
            "X": lambda: self.mixed("0123456789abcdef", 40),
            "H": lambda: self.mixed("0123456789abcdef", 32),
            "W": lambda: ("-" if dash else " ").join(self.random.sample(WORDS, 4)),
            "B": lambda: base64.b64encode(self.random.randbytes(30)).decode(),
            "S": lambda: base64.b64encode(self.random.randbytes(32)).decode().replace("+", "%2B").replace("/", "%2F").replace("=", "%3D"),
            "A": lambda: base64.b64encode(f"{self.random.choice(WORDS)}:{self.mixed(ALNUM, 16)}".encode()).decode(),
            "E": lambda: self.mixed(ALNUM, 12) + self.random.choice(["", "%40x9", "%21a2", "-b3"]),
            "Q": lambda: self.random.choice(WORDS) + str(self.random.randrange(100, 9999)),
            "U": self.uuid,
            "C": lambda: self.pick(string.digits[1:], 6),
            "N": lambda: self.pick(string.digits[1:], 8),
            "L": lambda: self.random.choice(WEAK),
            "K": lambda: "AKI" + "A" + self.pick(string.ascii_uppercase + "234567", 16),
            "u": lambda: self.mixed(string.ascii_uppercase + string.digits, n),
            "a": lambda: self.mixed(ALNUM, n), "w": lambda: self.mixed(ALNUM + "_-", n),
            "l": lambda: self.mixed(lower, n), "h": lambda: self.mixed("0123456789abcdef", n),
            "t": lambda: self.mixed(ALNUM, n), "p": lambda: self.random.choice(WORDS)[:5] + self.mixed(ALNUM, n - 5),
        }  # fmt: skip
        return makers[kind]()

    def uuid(self) -> str:
        h = self.mixed("0123456789abcdef", 32)
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"

    def fill(self, line: str) -> tuple[str, list[str], list[str]]:
        """Return the text, the values drawn, and the pieces of the line around them."""
        values: list[str] = []
        parts = []
        done = 0
        for slot in _SLOT.finditer(line):
            parts.append(line[done : slot.start()])
            values.append(self.slot(slot.group(1), slot.group(2), slot.group(3)))
            parts.append(values[-1])
            done = slot.end()
        parts.append(line[done:])
        around = [part for part in parts[0::2] if part]
        return "".join(parts), values, around


NOISE = [
    "listening on 0.0.0.0:3000",
    "compiled 214 modules in 1.2s",
    "3 files changed",
    "drwxr-xr-x 2 a a 4096 src",
    "done",
]


def wrap(maker: Maker, text: str) -> dict[str, Any]:
    """Put a text where agents put it: a message, an output, a diff, a file, a JSON text."""
    r = maker.random
    event: dict[str, Any] = {"id": maker.uuid(), "type": "tool_finished", "toolName": "bash", "message": "Tool finished: bash", "payload": {}, "createdAt": "2026-08-03T15:00:33Z"}  # fmt: skip
    style = r.randrange(6)
    if style == 0:
        event["message"] = f"Found this:\n{text}"
    elif style == 1:
        event["payload"] = {
            "output": f"{r.choice(NOISE)}\n{text}\n{r.choice(NOISE)}",
            "exitCode": 0,
        }
    elif style == 2:
        event["payload"] = {
            "output": {"stdout": text, "stderr": "", "exitCode": 0},
            "duration_ms": 12,
        }
    elif style == 3:
        event["payload"] = {"input": {"path": "src/a.ts", "content": text}, "step_number": 3}
    elif style == 4:
        body = "\n".join("+" + line for line in text.split("\n"))
        event["payload"] = {
            "output": f"--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n # settings\n{body}\n-# old"
        }
    else:
        event["payload"] = {
            "output": json.dumps({"path": "a.ts", "content": text, "bytes": len(text)})
        }
    return event


def text_cases(maker: Maker) -> Iterator[Case]:
    for category, lines in texts.LINES.items():
        for line in lines:
            text, values, around = maker.fill(line)
            if category == "cut":
                event = wrap(maker, "")
                tail = text + maker.random.choice(["", "\n...[truncated 246 chars]"])
                event["message"] = f"{maker.random.choice(NOISE)} {tail}"
            else:
                event = wrap(maker, text)
            keep = [
                piece
                for piece in re.split(r"[\s\"\\]+", " ".join(around))
                if len(piece) >= 5 and piece.isalpha()
            ]
            yield Case(f"text.{category}", event, values, keep)


KEYS = """password userPassword db_password DB_PASSWORD dbPassword redis.password admin-password X-Api-Key apiKey api_key API_KEY
api.key ApiKey secret clientSecret client_secret CLIENT_SECRET secretKey secret-key accessToken access_token refresh_token
authToken auth-token X-Auth-Token token Token TOKEN githubToken GITHUB_TOKEN slackBotToken privateKey private_key signingKey
encryption_key sessionToken session_token idToken jwt JWT passphrase sshPassphrase authorization Authorization cookie Cookie
Set-Cookie credential webhookSecret webhook_secret stripeSecretKey awsSecretAccessKey aws_secret_access_key AWS_SECRET_ACCESS_KEY
npmToken NPM_TOKEN consumerSecret appSecret passwd PASSWD pwd dbPass DB_PASS smtpPass pass Password1 passwordConfirmation
newPassword oldPassword bearerToken csrfToken xsrf-token serviceAccountKey accountKey subscriptionKey masterKey deployKey
sharedSecret pre_shared_key presharedKey psk oauthToken personalAccessToken personal_access_token licenseKey hmacSecret
accessKey access_key secretAccessKey sasToken connectionPassword mot_de_passe passwort contraseña пароль 密码 senha
userpassword dbpassword MYSQLPASSWORD authtoken clientsecret apikey secretToken tokenSecret tokenValue passwordValue
api_token_prod STRIPE_SECRET_KEY_LIVE DATABASE_PASSWORD_2 token1 apiKeyV2 ＰＡＳＳＷＯＲＤ pаssword pass\u200bword""".split()

HARMLESS_KEYS: list[tuple[str, Any]] = [
    ("max_tokens", 4096), ("inputTokens", 18021), ("output_tokens", 12), ("tokens_used", 160509), ("totalTokens", 198503),
    ("cacheReadInputTokens", 707), ("token_count", 3), ("tokenCount", "12,345"), ("author", "dana@example.com"), ("primary_key", "b3c1a9d2"),
    ("public_key", "ssh-ed25519 AAAAC3Nz"), ("publicKey", "MFkwEwYHKoZI"), ("tokenizer", "cl100k_base"), ("tokenType", "Bearer"), ("token_type", "bearer"),
    ("passwordPolicy", "strong"), ("hasPassword", True), ("requires_password", False), ("secretName", "app-tls"), ("keyPath", "settings.theme"),
    ("tokenEndpoint", "https://id.example.org/token"), ("cacheKey", "users:all:42"), ("sessionId", "3f0c1c52-aaaa-4bbb-8ccc-1234567890ab"), ("workspaceSessionId", "ws_9aK2mQ81xZ"),
    ("keyboard", "us-intl"), ("monkey", "george"), ("compass", "north"), ("passive", True), ("passed", 12), ("bypass", False), ("authorization_endpoint", "https://e.com/a"),
    ("credentialsFile", "/etc/app/creds.json"), ("private_key_id", "a1b2c3d4e5f6a7b8c9d0"), ("client_id", "a65b0146769d433a835f36660881db50"), ("nextPageToken", "CAUQAA"),
    ("tokenIndex", 4), ("keyword", "redis"), ("cookiePolicy", "strict"), ("secretary", "Dana"), ("signature", "(a: string) => void"), ("stopToken", "<|end|>"),
    ("password", ""), ("password", None), ("token", None), ("apiKey", "[redacted]"), ("password", "********"), ("secret", "${SECRET}"), ("token", "<your-token>"), ("env", {}),
    ("environment", "production"), ("envName", "preview"), ("passwordResetUrl", "https://e.com/reset"), ("idempotencyKey", "3f0c1c52-aaaa-4bbb-8ccc-1234567890ab"), ("sortKey", "created_at"),
    ("keyId", "abcDEF123456"), ("token_budget", 1000), ("secret_version", 3), ("isSecret", True), ("lastTokenUsage", {"total": 5}), ("tokenLimit", 128000), ("pinned", True),
]  # fmt: skip


def key_cases(maker: Maker) -> Iterator[Case]:
    r = maker.random
    for key in KEYS:
        value = maker.slot(
            r.choice("TTPPXBL")
            if "ass" in key.lower() or "pw" in key.lower()
            else r.choice("TTXB"),
            "",
            "",
        )
        event = wrap(maker, "")
        shapes: list[Any] = [
            {key: value}, {"a": {"b": [{"name": "first", key: value}]}}, {key: [value]}, {key: {"value": value, "updatedAt": "2026-03-04"}},
            {"headers": [{"name": key, "value": value}]}, {"headers": [[key, value], ["accept", "text/plain"]]},
        ]  # fmt: skip
        event["payload"] = {"host": "db.internal", **shapes[r.randrange(len(shapes))], "n": 7}
        yield Case("key", event, [value], ["db.internal", '"n":7'])
    for key, item in HARMLESS_KEYS:
        event = wrap(maker, "")
        event["payload"] = {"usage": {key: item}, "n": 7}
        yield Case(
            "neg.key",
            event,
            [],
            [json.dumps({key: item}, ensure_ascii=False, separators=(",", ":"))[1:-1]],
        )


def shape_cases(maker: Maker) -> Iterator[Case]:
    """Structure: environments, credential objects, numbers, arguments, keys that are secrets."""
    for _ in range(6):
        secret, password = maker.slot("T", "", ""), maker.password()
        shapes: list[tuple[Any, list[str], list[str]]] = [
            ({"env": {"PATH": "/usr/bin:/bin", "SUPPORT_BOT": secret, "DB_PASSWORD": password}}, [secret, password], ["/usr/bin:/bin"]),
            ({"Env": ["PATH=/usr/bin", f"POSTGRES_PASSWORD={password}", "LANG=en_US.utf8"]}, [password], ["LANG=en_US.utf8"]),
            ({"env": [{"name": "LOG_LEVEL", "value": "debug"}, {"name": "API_TOKEN", "value": secret}]}, [secret], ["debug"]),
            ({"environment": {"NODE_ENV": "production", "PORT": "3000", "DATADOG": secret}}, [secret], ["production", "3000"]),
            ({"credentials": {"username": "svc", "password": password, "accessKey": secret}}, [password, secret], ["svc"]),
            ({"auth": {"user": "dana", "pass": password}}, [password], ["dana"]),
            ({"form": {"password": 600533, "otp": 748064, "count": 12}}, ["600533", "748064"], ['"count":12']),
            ({"argv": ["tool", "--region", "eu-west-1", "--password", password, "-v"]}, [password], ["eu-west-1", "--password"]),
            ({"args": ["mysql", "-u", "root", f"-p{secret}", "db"]}, [secret], ["mysql", "root"]),
            ({"args": ["curl", "-H", f"Authorization: Bearer {secret}", "https://e.com"]}, [secret], ["https://e.com"]),
            ({"args": ["run", f"--token={secret}", "x"]}, [secret], ["run"]),
            ({"sessions": {"mo" + "g_" + secret: {"user": "dana"}, "count": 1}}, [secret], ["dana"]),
            ({"rawHeaders": ["accept", "*/*", "authorization", f"Bearer {secret}"]}, [secret], ["accept"]),
            ({"jwk": {"kty": "EC", "crv": "P-256", "x": "abc123abc123", "d": secret}}, [secret], ["P-256", "abc123abc123"]),
            ({"url": f"amqp://u:{secret}@mq:5672/", "queue": "jobs"}, [secret], ["jobs"]),
            ({"a": {"password": secret}, "log": [f"retry with {secret} failed"]}, [secret], ["retry with", "failed"]),
            ({"variables": [{"key": "DB_PASSWORD", "value": password, "masked": False}]}, [password], ["DB_PASSWORD"]),
            ({"config": {"auth": {"type": "basic", "token": secret}}}, [secret], ["basic"]),
        ]  # fmt: skip
        for payload, secrets, keep in shapes:
            event = wrap(maker, "")
            event["payload"] = {**payload, "n": 7}
            yield Case("shape", event, secrets, [*keep, '"n":7'])


def block_cases(maker: Maker) -> Iterator[Case]:
    """Key blocks and web tokens, whole, escaped, in one line, cut."""
    for kind in ("RSA ", "", "EC ", "OPENSSH ", "ENCRYPTED "):
        label = kind + "PRIVATE" + " KEY"
        lines = [maker.mixed(ALNUM + "+/", 64) for _ in range(8)] + [maker.mixed(ALNUM, 30) + "=="]
        head, foot = f"-----BEGIN {label}-----", f"-----END {label}-----"
        whole = "\n".join([head, *lines, foot])
        for text, gone in (
            (whole, lines), (whole.replace("\n", "\\n"), lines), (whole.replace("\n", "\\\\n"), lines), (whole.replace("\n", " "), lines),
            ("\n".join([head, *lines[:5], lines[5][:20]]), [*lines[:5], lines[5][:20]]),
            ("\n".join([*lines[3:], foot, "done"]), lines[3:]), ('KEY="' + whole + '"', lines), ("\n".join("    " + x for x in whole.split("\n")), lines),
            ("k: " + base64.b64encode(whole.encode()).decode(), [base64.b64encode(whole.encode()).decode()]),
        ):  # fmt: skip
            event = wrap(maker, "")
            event["payload"] = {"output": f"cat key\n{text}", "n": 7}
            if text.endswith("done") or "[" in text:
                event["payload"]["output"] = text
            yield Case("block", event, gone, ['"n":7'])
    for _ in range(4):
        head = (
            base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
            .decode()
            .rstrip("=")
        )
        body = (
            base64.urlsafe_b64encode(json.dumps({"sub": maker.pick(string.digits, 10)}).encode())
            .decode()
            .rstrip("=")
        )
        sign = maker.mixed(ALNUM + "_-", 43)
        for text, gone in (
            (f"jwt {head}.{body}.{sign} ok", f"{head}.{body}.{sign}"),
            (f"x={head}.{body}.", f"{head}.{body}"),
            (f"cut {head}.{body[:9]}", f"{head}.{body[:9]}"),
        ):
            event = wrap(maker, "")
            event["message"] = text
            yield Case("jwt", event, [gone], [])
    certificate = (
        "-----BEGIN CERTIFICATE-----\n"
        + "\n".join(maker.mixed(ALNUM + "+/", 64) for _ in range(6))
        + "\n-----END CERTIFICATE-----"
    )
    event = wrap(maker, "")
    event["payload"] = {"output": certificate}
    yield Case("neg.block", event, [], certificate.split("\n"))


def provider_cases(maker: Maker) -> Iterator[Case]:
    """Tokens in common use, by what their issuers document; prefix and body meet at run time only."""
    table = """ghp_ a36|gho_ a36|ghs_ a36|github_pat_ a82|glpat- w20|gldt- w20|glrt- w20|xoxb- a24|xapp-1- u40|sk_live_ a24|rk_live_ a24|whsec_ a32|sk-ant-api03- w93
|sk-proj- w60|sk- a48|AIza w35|ya29. w60|GOCSPX- w28|AKIA u16|ASIA u16|dop_v1_ h64|npm_ a36|pypi-AgEIcHlwaS5vcmc w70|rubygems_ h48|dckr_pat_ w27|hf_ a34|gsk_ a52
|pplx- a48|sgp_ h40|sbp_ h40|sb_secret_ w36|dapi h32|glsa_ a41|NRAK- u27|dp.pt. a43|hvs. w90|pul- h40|sqp_ h40|nfp_ a36|tskey-auth- a30|SG. w60|key- h32|xkeysib- h64|re_ a33
|ntn_ a46|lin_api_ a40|figd_ w40|shpat_ h32|sq0atp- w22|mog_ a32|msk_live_ a32|msk_u_ a32|convo_key_ a32|mootup_pat_ a40|sset_ a32|AGE-SECRET-KEY-1 u58|lsv2_pt_ h32|tvly- a32
|nvapi- w64|r8_ a37|PMAK- w59|rdme_ l70|duffel_test_ w43|shippo_live_ h40|CFPAT- w43|ATATT3 w180|EZAK a54|LTAI a20|hvb. w138|vercel_blob_rw_ a40|napi_ l64|pscale_tkn_ w43
|phx_ a43|sntryu_ h64|lin_oauth_ h64|CCIPAT_ a40|snyk_uat. w60|e2b_ h40|fio-u- w64|apify_api_ a36|tfp_ w59|rzp_live_ a14|access-production- h36|FLWSECK- a38|pat-na1- h36"""  # fmt: skip
    for entry in table.replace("\n", "").split("|"):
        prefix, shape = entry.split()
        body = maker.slot(shape[0], shape[1:], "")
        token = prefix + body
        for frame in ("see {} for more", '"{}"', "x={}", "({})", "log\\n{}\\nend", "`{}`"):
            event = wrap(maker, "")
            event["payload"] = {"output": frame.format(token), "n": 7}
            yield Case("provider", event, [token], ['"n":7'])


def harmless_cases(maker: Maker) -> Iterator[Case]:
    for category, lines in harmless.LINES.items():
        for line in lines:
            text, _, _ = maker.fill(line)
            event = wrap(maker, text)
            keep = text.split("\n")
            if (
                event["payload"].get("output", "")
                and isinstance(event["payload"]["output"], str)
                and event["payload"]["output"].startswith("{")
            ):
                keep = [json.dumps(piece)[1:-1] for piece in keep]
            yield Case(f"neg.{category}", event, [], keep)


def block_texts(maker: Maker) -> Iterator[Case]:
    """Longer texts of many programs, plain, in a JSON text, and in a cut one."""
    for name, category in (("positive", "form"), ("negative", "neg.form")):
        for block in blocks.blocks(name):
            text, secrets, around = blocks.filled(maker, block)
            for event, depth in blocks.framed(text):
                gone = [blocks.escaped(secret, depth) for secret in secrets]
                keep = [] if secrets else [blocks.escaped(piece, depth) for piece in around]
                whole = {"id": "e1", "type": "log", "toolName": None, "createdAt": "t", **event}
                yield Case(category, whole, gone, keep)


def cases(seed: int) -> list[Case]:
    """Return every case of one seed, in a fixed order."""
    maker = Maker(seed)
    makers = (
        text_cases, key_cases, shape_cases, block_cases, provider_cases, harmless_cases, block_texts
    )  # fmt: skip
    return [case for make in makers for case in make(maker)]


def texts_in(obj: Any) -> str:
    """Every string and number of a value, keys included, and its compact JSON."""
    out: list[str] = []

    def walk(item: Any) -> None:
        if isinstance(item, str):
            out.append(item)
        elif isinstance(item, dict):
            for key, value in item.items():
                out.append(key)
                walk(value)
        elif isinstance(item, list):
            for value in item:
                walk(value)

    walk(obj)
    return "\n".join(out) + "\n" + json.dumps(obj, ensure_ascii=False, separators=(",", ":"))


def survives(secret: str, seen: str) -> bool:
    """Is the secret, or half of it (at most 20 characters), still there?"""
    if secret in seen:
        return True
    if len(secret) < 8:
        return False
    width = min(max(6, -(-len(secret) // 2)), 20)
    return any(secret[i : i + width] in seen for i in range(len(secret) - width + 1))
