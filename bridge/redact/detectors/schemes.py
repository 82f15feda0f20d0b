"""Credentials that a protocol carries: URLs, authentication schemes, webhook addresses, and a few
tokens whose mark stands in their middle."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line
# ruff: noqa: PLR0911 - a detector is a row of early exits

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from bridge.redact.spans import Scan
from bridge.redact.values import harmless

URL_MAX = 2_048

_USERINFO = re.compile(
    r"(?P<user>[^\s/:@?#\"'<>`\\]{0,256}):(?P<password>[^\s\"'<>`@\\]{1,512}+"
    r"(?:@(?=[^\s\"'<>`@/\\]{0,256}@))?[^\s\"'<>`@\\]{0,512}+)@"
)
_USER_ONLY = re.compile(r"(?P<user>[^\s/:@?#\"'<>`\\,]{16,512}):?@")
_CUT_USERINFO = re.compile(
    r"(?P<user>[^\s/:@?#\"'<>`\\]{1,256}):(?P<password>[^\s\"'<>`@/\\]{1,512})\Z"
)
_CUT_USER = re.compile(r"[A-Za-z0-9_-]{20,512}\Z")
_PORT = re.compile(r"\d{1,5}(?:[/?#].*)?\Z", re.S)

_BEARER = re.compile(
    r"[\"']?(?:[ \t]{1,4}|%20|\+|:[ \t]?|=[ \t]?|,[ \t]{1,2})(?:token[ \t:=]{1,3})?(?=[A-Za-z0-9._~+/=%-]{8})(?P<value>[A-Za-z0-9._~+/=%:|-]{8,4096}+)"
)
_BASIC = re.compile(r"(?:[ \t]{1,4}|%20|\+)(?P<value>[A-Za-z0-9+/_-]{8,1024}+={0,2})")

# Webhook addresses: whoever knows the path may post. Host part -> pattern of the secret path.
_REST = r"[A-Za-z0-9_~%.=+-]"
WEBHOOKS: Final[dict[str, re.Pattern[str]]] = {
    host: re.compile(path)
    for host, path in {
        "hooks.slack.com/": rf"(?:services|workflows|triggers|commands)/(?P<secret>{_REST}{{1,40}}(?:/{_REST}{{1,80}}){{0,5}})",
        "hooks.slack-gov.com/": rf"(?:services|workflows|triggers)/(?P<secret>{_REST}{{1,40}}(?:/{_REST}{{1,80}}){{0,5}})",
        "discord.com/api/": r"(?:v\d{1,2}/)?webhooks/\d{5,25}/(?P<secret>[A-Za-z0-9_-]{8,120})",
        "discordapp.com/api/": r"(?:v\d{1,2}/)?webhooks/\d{5,25}/(?P<secret>[A-Za-z0-9_-]{8,120})",
        "webhook.office.com/": rf"webhookb2/(?P<secret>{_REST}{{8,200}}(?:@{_REST}{{8,80}})?(?:/{_REST}{{1,120}}){{0,5}})",
        "outlook.office.com/": rf"webhook/(?P<secret>{_REST}{{8,200}}(?:@{_REST}{{8,80}})?(?:/{_REST}{{1,120}}){{0,5}})",
        "outlook.office365.com/": rf"webhook/(?P<secret>{_REST}{{8,200}}(?:@{_REST}{{8,80}})?(?:/{_REST}{{1,120}}){{0,5}})",
        "hooks.zapier.com/": rf"hooks/(?:catch|standard)/(?P<secret>\d{{1,12}}/{_REST}{{4,60}})",
        "api.telegram.org/": r"(?:file/)?bot(?P<secret>\d{6,12}(?::|%3A)[A-Za-z0-9_-]{20,60})",
        "open.feishu.cn/": r"open-apis/bot/(?:v2/)?hook/(?P<secret>[A-Za-z0-9-]{8,80})",
        "open.larksuite.com/": r"open-apis/bot/(?:v2/)?hook/(?P<secret>[A-Za-z0-9-]{8,80})",
        "qyapi.weixin.qq.com/": r"cgi-bin/webhook/send\?key=(?P<secret>[A-Za-z0-9-]{8,80})",
        "oapi.dingtalk.com/": r"robot/send\?access_token=(?P<secret>[A-Za-z0-9]{8,128})",
        "hooks.airtable.com/": rf"workflows/v1/genericWebhook/(?P<secret>{_REST}{{4,40}}(?:/{_REST}{{4,40}}){{0,3}})",
        ".make.com/": r"(?P<secret>[a-z0-9]{20,60})(?![\w/.-])",
        ".integromat.com/": r"(?P<secret>[a-z0-9]{20,60})(?![\w/.-])",
        "maker.ifttt.com/": rf"(?:trigger/{_REST}{{1,60}}/(?:json/)?with/key|use)/(?P<secret>[A-Za-z0-9_-]{{8,80}})",
        "events.pagerduty.com/": r"integration/(?P<secret>[A-Za-z0-9]{20,60})",
        "alert.victorops.com/": r"integrations/[\w/-]{1,60}/alert/(?P<secret>[A-Za-z0-9-]{20,60})",
        "webexapis.com/": r"v1/webhooks/incoming/(?P<secret>[A-Za-z0-9_=-]{20,200})",
        "webhook.site/": r"(?:#!/)?(?P<secret>[0-9a-f]{8}-[0-9a-f-]{27})",
        "hc-ping.com/": r"(?P<secret>[0-9a-f]{8}-[0-9a-f-]{27})",
        "inbound.logtail.com/": r"(?P<secret>[A-Za-z0-9]{16,60})",
        "logs.datadoghq.com/": r"(?:v1/input|api/v2/logs)/(?P<secret>[0-9a-f]{32})",
        "hooks.glip.com/": r"webhook/(?:v2/)?(?P<secret>[A-Za-z0-9._-]{16,400})",
        "/hooks/": r"(?P<secret>(?:[a-z0-9]{26}|[A-Za-z0-9]{17,24}/[A-Za-z0-9]{30,50}))(?![\w/-])",
        "api.vercel.com/": r"v1/integrations/deploy/(?P<secret>prj_[A-Za-z0-9]{8,60}/[A-Za-z0-9]{6,40})",
        "api.netlify.com/": r"build_hooks/(?P<secret>[0-9a-f]{24})",
        "api.cloudflare.com/": r"client/v4/pages/webhooks/deploy_hooks/(?P<secret>[0-9a-f-]{36})",
        "api.render.com/": r"deploy/srv-[a-z0-9]{10,40}\?key=(?P<secret>[A-Za-z0-9_-]{6,60})",
        ".webhook.": r"(?P<secret>(?!))",
        "chat.googleapis.com/": r"v1/spaces/[\w-]{1,40}/messages\?(?P<secret>key=[^\s\"'<>]{10,400})",
        ".pipedream.net/": r"(?P<secret>(?!))",
        "prod.sentry.": r"(?P<secret>(?!))",
        "app.circleci.com/": r"(?P<secret>(?!))",
        "api.opsgenie.com/": r"(?P<secret>(?!))",
        "mattermost.": r"[\w.-]{1,60}(?::\d{1,5})?/hooks/(?P<secret>[a-z0-9]{26})",
        "botman.io/": r"(?P<secret>(?!))",
    }.items()
}


def url(scan: Scan, start: int, end: int, _data: object) -> int:
    """`://`: user information of a URL, whole or cut at the end of the text."""
    text = scan.text
    if start == 0 or not text[start - 1].isalnum():
        return 0
    limit = min(scan.end, end + URL_MAX)
    at = text.find("@", end, limit)
    if at < 0:
        return _cut_userinfo(scan, end, limit)
    found = _USERINFO.match(text, end, limit)
    if found is None:
        return _lone_user(scan, end, limit)
    password = found.group("password")
    if _PORT.match(password) and (not password.isdigit() or _is_host(found.group("user"))):
        return 0
    if password in _URL_PLACEHOLDERS:
        return 0
    if "/" in password and ("." in found.group("user") or "?" in password):
        return 0
    if harmless.is_marked(password) or (
        harmless.harmless_text(password, ("password",)) and not _weak_word(password)
    ):
        if (
            found.group("user")
            and harmless.weight(found.group("user")) == harmless.HEAVY
            and len(found.group("user")) >= 20
        ):
            return scan.add(
                found.start("user"), found.end("user"), "url-credential", "url-userinfo"
            )
        return 0
    if harmless.weight(found.group("user")) == harmless.HEAVY and len(found.group("user")) >= 20:
        scan.add(found.start("user"), found.end("user"), "url-credential", "url-userinfo")
    return scan.add(
        found.start("password"), found.end("password"), "url-credential", "url-userinfo"
    )


def _is_host(user: str) -> bool:
    return "." in user or user in ("localhost", "")


def _weak_word(password: str) -> bool:
    """In a URL a word is a password: `postgres://app:secret@db`. Placeholders are not."""
    return password.isalnum() and password.islower() and password not in _URL_PLACEHOLDERS


_URL_PLACEHOLDERS = frozenset(
    """password pass passwd pwd secret token key yourpassword mypassword xxx xxxx changeme example
    username user apikey none null placeholder redacted test bar""".split()
)


def _lone_user(scan: Scan, end: int, limit: int) -> int:
    """`https://<token>@host`: a user name with the weight of a token."""
    found = _USER_ONLY.match(scan.text, end, limit)
    if found is None:
        return 0
    user = found.group("user")
    if harmless.weight(user) == harmless.HEAVY and not harmless.harmless_text(user, ()):
        return scan.add(found.start("user"), found.end("user"), "url-credential", "url-userinfo")
    return 0


def _cut_userinfo(scan: Scan, end: int, limit: int) -> int:
    """`postgres://app:par` at the end of a text: the host was cut off."""
    if limit != scan.end or limit - end > 600:
        return 0
    found = _CUT_USERINFO.match(scan.text[end:limit])
    if found is None:
        alone = _CUT_USER.match(scan.text, end, limit)
        if alone is None or harmless.weight(alone.group()) != harmless.HEAVY:
            return 0
        return scan.add(end, limit, "url-credential", "url-userinfo", is_cut=True)
    password = found.group("password")
    if password.isdigit() or _is_host(found.group("user")) or len(password) < 3:
        return 0
    if harmless.harmless_text(password, ("password",)):
        return 0
    start = end + found.start("password")
    return scan.add(start, limit, "url-credential", "url-userinfo", is_cut=True)


def mysql_dsn(scan: Scan, start: int, _end: int, _data: object) -> int:
    """`app:x@tcp(db:3306)/shop`: how the Go driver of MySQL is told."""
    scan.effort += 4
    before = scan.text[max(0, start - 200) : start]
    word = before[1 + max(before.rfind(char) for char in " \t\n\"'`/\\=") :]
    user, colon, password = word.partition(":")
    if not user or not colon or harmless.harmless_text(password, ("password",)):
        return 0
    return scan.add(start - len(password), start, "url-credential", "url-userinfo")


def bearer(scan: Scan, start: int, end: int, _data: object) -> int:
    """`Bearer x` outside a header line."""
    text = scan.text
    if start and text[start - 1].isalnum() and text[start - 2 : start - 1] not in ("\\", "3", "2"):
        return 0
    found = _BEARER.match(text, end, scan.end)
    if found is None:
        return 0
    first, last = found.span("value")
    while last > first and text[last - 1] in ".:,|" and last < scan.end:
        last -= 1
    value = text[first:last]
    weight = harmless.weight(value)
    if weight == harmless.NO_WEIGHT or harmless.harmless_code(
        value, ("token", "bearer"), text[last : last + 1]
    ):
        return 0
    if weight == harmless.SOME_WEIGHT and len(value) < 12:
        return 0
    return scan.add(first, last, "authorization", "auth-scheme", is_cut=last >= scan.end)


def basic(scan: Scan, start: int, end: int, _data: object) -> int:
    """`Basic x`: base64 of `user:password`."""
    text = scan.text
    if start and text[start - 1].isalnum() and text[start - 2 : start - 1] not in ("\\", "3", "2"):
        return 0
    found = _BASIC.match(text, end, scan.end)
    if found is None:
        return 0
    first, last = found.span("value")
    value = text[first:last]
    raw = value.rstrip("=")
    at_end = last >= scan.end
    try:
        plain = base64.b64decode(
            raw[: len(raw) // 4 * 4], altchars=b"-_" if "-" in raw or "_" in raw else None
        )
    except (binascii.Error, ValueError):
        return 0
    if b":" in plain and all(9 <= byte < 127 or byte > 159 for byte in plain):
        return scan.add(first, last, "authorization", "auth-scheme", is_cut=at_end)
    if at_end and len(value) >= 8 and all(32 <= byte < 127 for byte in plain):
        return scan.add(first, last, "authorization", "auth-scheme", is_cut=True)
    return 0


def webhook(scan: Scan, _start: int, end: int, data: object) -> int:
    """The path of a known webhook host."""
    assert isinstance(data, re.Pattern)
    found = data.match(scan.text, end, scan.end)
    if found is None:
        return 0
    secret = found.group("secret")
    if (
        harmless.is_marked(secret)
        or harmless.harmless_text(secret.replace("/", ""), ())
        or "<" in secret
    ):
        return 0
    if not any(char.isdigit() for char in secret) and len(secret) < 40:
        return 0
    return scan.add(found.start("secret"), found.end("secret"), "webhook", "webhook")


# Tokens recognised by a mark in their middle: (literal, characters before, characters behind).
Infix = tuple[re.Pattern[str], re.Pattern[str], str]
INFIX: Final[dict[str, Infix]] = {
    "8q~": (
        re.compile(r"[A-Za-z0-9_~.-]{3}\Z"),
        re.compile(r"[A-Za-z0-9_~.-]{31,36}(?![A-Za-z0-9_~-])"),
        "secret",
    ),
    "7q~": (
        re.compile(r"[A-Za-z0-9_~.-]{3}\Z"),
        re.compile(r"[A-Za-z0-9_~.-]{31,36}(?![A-Za-z0-9_~-])"),
        "secret",
    ),
    ".atlasv1.": (re.compile(r"[A-Za-z0-9]{14}\Z"), re.compile(r"[A-Za-z0-9_=-]{40,80}"), "token"),
    ":apa91b": (
        re.compile(r"[A-Za-z0-9_-]{7,24}\Z"),
        re.compile(r"[A-Za-z0-9_-]{80,200}"),
        "token",
    ),
    ":aa": (
        re.compile(r"(?<!\d)\d{8,10}\Z"),
        re.compile(r"[A-Za-z0-9_-]{32,34}(?![A-Za-z0-9_-])"),
        "token",
    ),
    "t3blbkfj": (
        re.compile(r"sk-[A-Za-z0-9_-]{16,100}\Z"),
        re.compile(r"[A-Za-z0-9_-]{16,100}"),
        "token",
    ),
    "_mmk": (
        re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{6}_[A-Za-z0-9]{29}\Z"),
        re.compile(r"(?![A-Za-z0-9])"),
        "token",
    ),
    "-us1": (re.compile(r"(?<![0-9a-f])[0-9a-f]{32}\Z"), re.compile(r"\d?(?![\w-])"), "token"),
    "-us2": (re.compile(r"(?<![0-9a-f])[0-9a-f]{32}\Z"), re.compile(r"\d?(?![\w-])"), "token"),
    "+astb": (re.compile(r"[A-Za-z0-9/+]{76}\Z"), re.compile(r"[A-Za-z0-9/+]{5}=="), "api-key"),
    "azdo": (re.compile(r"[A-Za-z0-9]{76}\Z"), re.compile(r"[A-Za-z0-9]{4}"), "token"),
    "jqqj99": (re.compile(r"[A-Za-z0-9]{52}\Z"), re.compile(r"[A-Za-z0-9]{20,30}"), "api-key"),
    "acdb": (re.compile(r"[A-Za-z0-9/+]{76}\Z"), re.compile(r"[A-Za-z0-9/+]{4,6}==?"), "api-key"),
}


def infix(scan: Scan, start: int, end: int, data: Infix) -> int:
    """A literal in the middle of a token: both sides must fit."""
    left, right, kind = data
    text = scan.text
    before = left.search(text[max(0, start - 104) : start])
    if before is None:
        return 0
    after = right.match(text, end, scan.end)
    if after is None:
        return 0
    first = start - (len(before.group()))
    return scan.add(first, after.end(), kind, "provider-token")
