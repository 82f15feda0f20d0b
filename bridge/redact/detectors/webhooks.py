"""Secret paths of known webhook hosts: whoever knows the address may post."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

from typing import Final

from bridge.redact.detectors.detector import Detector
from bridge.redact.expressions import Lazy, lazy
from bridge.redact.rule import Rule
from bridge.redact.spans import Scan
from bridge.redact.values import harmless

# Webhook addresses: whoever knows the path may post. Host part -> pattern of the secret path.
_REST = r"[A-Za-z0-9_~%.=+-]"
WEBHOOKS: Final[dict[str, Lazy]] = {
    host: lazy(path)
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


def webhook(scan: Scan, _start: int, end: int, data: Lazy) -> int:
    """The path of a known webhook host."""
    found = data().match(scan.text, end, scan.end)
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
    return scan.add(found.start("secret"), found.end("secret"), "webhook", WEBHOOK.id)


WEBHOOK: Final = Rule("webhook", "secret paths of known webhook hosts")
WEBHOOK_PATHS = Detector(
    name="webhooks",
    rule=WEBHOOK,
    literals=WEBHOOKS,
    look=webhook,
    finds=("https://discord.com/api/webhooks/⟨d18⟩/⟦a68⟧",),
    leaves=("https://hooks.slack.com/services/<your>/<webhook>/<path>",),
)
