"""Literals of calls whose name says that one of them is a secret: `login("a", "x")`, `fill("#password", "x")`."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

from typing import Final, NamedTuple

from bridge.redact.detectors.detector import Detector
from bridge.redact.expressions import lazy
from bridge.redact.rule import ASSIGNMENT
from bridge.redact.spans import Scan
from bridge.redact.values import harmless
from bridge.redact.values.extent import LITERAL_TAG, quoted
from bridge.redact.values.judge import is_literal

ARGUMENTS_MAX = 6  # arguments of a call that are looked at
CALL_MAX = 400  # characters of them
LITERAL_MAX = 8_192  # characters of one that may be a secret
NEAR = 120  # characters before a call that may name what it types into

_BETWEEN = lazy(r"[^\"'`\n;\\]{0,80}")
_PASSWORD = lazy(r"(?i)assw|pwd|secret|token|api.?key|passphrase|\botp\b|\bpin\b")
_ACCOUNT = lazy(r"AC[0-9a-f]{32}\Z")


class Call(NamedTuple):
    """Which literals of a call may be secret: from the argument `first` on (0 is the first).

    `near`: only if what stands just before it names a secret. `account`: only behind a literal
    that is a public account id. `pair`: only the part behind the colon.
    """

    first: int
    near: bool = False
    account: bool = False
    pair: bool = False


# Names as they end a word, opening bracket included; libraries' own documentation.
CALLS: Final[dict[str, Call]] = {
    **dict.fromkeys(("createhmac(", "createcipheriv(", "createdecipheriv("), Call(1)),
    **dict.fromkeys(("hmac.new(", "cookieparser(", "fernet(", "telebot(", "bot.run(", "client.run("), Call(0)),
    **dict.fromkeys(("jwt.encode(", "jwt.decode(", "jwt.sign(", "jwt.verify("), Call(1)),
    **dict.fromkeys(("login(", "basicauth(", "basicauthenticator(", "basic_auth(", "pscredential("), Call(0)),
    **dict.fromkeys(("credentials.create(", "staticcredentialsprovider(", "staticcredentials("), Call(1)),
    **dict.fromkeys(("mysqli(", "mysqli_connect(", "mysql_connect(", "pymysql.connect(", "mysqldb.connect(", "getconnection("), Call(2)),
    **dict.fromkeys(("new pdo(", "ftp_login(", "imap_open(", "pdo->__construct(", "mysqli->__construct(", "mysqli->real_connect(", "dbi->connect(", "ssh2_auth_password(", "ldap_bind(", "ftp(", "openssl_encrypt(", "openssl_decrypt(", "new pusher("), Call(2)),
    **dict.fromkeys(("ssh.connect(", "redis.redis("), Call(3)),
    **dict.fromkeys(("simple_bind_s(", "simple_bind(", "aes.encrypt(", "aes.decrypt("), Call(1)),
    **dict.fromkeys(("aes.new(", "des3.new(", "algorithms.aes(", "secretkeyspec(", "aes.newcipher(", "symmetrickey(", "github("), Call(0)),
    **dict.fromkeys(("networkcredential(", "usernamepasswordcredentials(", "passwordauthentication(", "plaincredentials(", "plaintextauthprovider(", ".auth(", ".authenticate("), Call(1)),
    **dict.fromkeys(("btoa(", "b64encode(", "base64_encode("), Call(0, pair=True)),
    **dict.fromkeys(
        (".send_keys(", ".sendkeys(", ".type(", ".fill(", ".setvalue(", ".presssequentially(", ".sendline(", ".unwrap_or(", ".unwrap_or_else("),
        Call(0, near=True),
    ),
    "client(": Call(1, account=True),
}  # fmt: skip


def call(scan: Scan, start: int, end: int, data: object) -> int:
    """Look at the literals of one call; return where to go on, or 0."""
    assert isinstance(data, Call)
    text = scan.text
    is_named = not data.near or _PASSWORD().search(text, max(0, start - NEAR), start) is not None
    scan.effort += 1
    at, limit = end, min(scan.end, end + CALL_MAX)
    done = 0
    account = False
    for number in range(ARGUMENTS_MAX):
        before = _BETWEEN().match(text, at, limit)
        begin = before.end() if before is not None else at
        if (number and not text[at:begin].strip(" }]").startswith((",", ":"))) or ")" in text[
            at:begin
        ]:
            return done
        scan.effort += number > 1  # of calls inside calls each reads the arguments of all
        tag = LITERAL_TAG.match(text, max(at, begin - 1), limit)
        value = quoted(scan, begin if tag is None else tag.end())
        if value is None or value.is_torn(scan):
            return done
        content = text[value.start : value.end]
        if not is_named:  # `fill("input[name=password]", "x")`
            if number or not _PASSWORD().search(content[:NEAR]):
                return 0
            is_named = True
            at = value.end + len(value.quote)
            continue
        place = text.count(",", end, value.start)
        account = account or _ACCOUNT().match(content) is not None
        if place >= data.first and (account or not data.account):
            done = _take(scan, value.start, content, data, place) or done
        at = value.end + len(value.quote)
        if at >= limit:
            return done
    return done


def _take(scan: Scan, start: int, content: str, data: Call, place: int) -> int:
    if data.pair:
        name, colon, content = content.partition(":")
        start += len(name) + 1
        if not colon:
            return 0
    elif place == 0 and not data.near and harmless.weight(content) != harmless.HEAVY:
        return 0  # alone, or a user's name
    if _ACCOUNT().match(content) or len(content) > LITERAL_MAX or not is_literal(content):
        return 0
    if harmless.harmless_text(content, ("password",)) or "://" in content:
        return 0
    return scan.add(
        start, start + len(content), "password" if data.near else "secret", ASSIGNMENT.id
    )


SECRET_CALLS = Detector(
    name="calls",
    rule=ASSIGNMENT,
    literals=CALLS,
    look=call,
    finds=("createHmac('sha256', '⟦a32⟧')", 'page.fill("#password", "⟦PA⟧")'),
    leaves=("createHmac('sha256', secret)", 'page.fill("#name", "Dana4412x")'),
)

_ANSWERED = lazy(
    r"(?:-{1,2}[ ])?\\{0,7}\"(?P<secret>[^\"\\\n]{6,128})(?:\\{1,8}[rn]){0,2}\\{0,7}\""
)
_PROMPTED = lazy(r"(?i)(?:assword|passphrase|passwd|\bpin)[^\n]{0,40}[\s{]{1,20}\Z")


def typed(scan: Scan, start: int, end: int, _data: object) -> int:
    """`expect "assword:"` and what is sent to it."""
    found = _ANSWERED().match(scan.text, end, scan.end)
    if found is None or _PROMPTED().search(scan.text, max(0, start - 90), start) is None:
        return 0
    content = found.group("secret")
    if not harmless.weight(content) or harmless.harmless_text(content, ("password",)):
        return 0
    return scan.add(*found.span("secret"), "password", ASSIGNMENT.id)


TYPED = Detector(
    name="typed",
    rule=ASSIGNMENT,
    literals={"send ": None, "exp_send ": None},
    look=typed,
    finds=('expect "assword:"\nsend "⟦PA⟧\\r"',),
    leaves=('expect "login:"\nsend "Dana2207x\\r"', 'expect "assword:"\nsend "$pass\\r"'),
)
