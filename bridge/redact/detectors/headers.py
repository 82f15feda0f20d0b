"""HTTP headers in a text: Authorization in all its schemes, Cookie and Set-Cookie."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line
# ruff: noqa: PLR0911 - a detector is a row of early exits

from __future__ import annotations

import re

from bridge.redact.names.classifier import Verdict
from bridge.redact.spans import Scan
from bridge.redact.values import harmless
from bridge.redact.values.extent import BARE, LITERAL_TAG, QUOTE, line_end, quoted
from bridge.redact.values.judge import SCHEME, take

_AUTH_PARAM = re.compile(
    r"(?i)(?:token|key|secret|password|credential|signature|response|oauth_[a-z_]{2,20}|sig|mac|nonce|id)=\"?"
)
_COOKIE_RUN = re.compile(
    r"[^\s\"'`<>;\\]{1,4096}+(?:;[ \t]{0,2}"
    r"(?!(?i:path|domain|expires|max-age|samesite|version|priority)=)"  # attributes of Set-Cookie
    r"[^\s\"'`<>=;\\]{1,128}=[^\s\"'`<>;\\]{0,4096}){0,40}"
)
# The quote that ends a header inside a command or a JSON text; not those of its parameters.
_PARAMS_END = re.compile(
    r"(?<![=\s\\])\\{0,7}['\"](?=[ \t]{1,4}(?:-|https?:|\\)|\\?[,}\])])(?<!\w\")"
    r"(?<!\w\\\")(?<!\w\\\\\\\")"
)


# `username="bob", uri="/", response="..."`, the quotes escaped or not.
_PARAM_RUN = re.compile(
    r"(?:[A-Za-z_-]{1,40}=(?:\\{0,7}\"[^\"\\\n]{0,1024}\\{0,7}\"|[^\s,\"'\\]{0,1024})(?:,[ \t]{0,4})?){2,32}"
)


def authorization(scan: Scan, at: int, verdict: Verdict) -> int:  # noqa: C901, PLR0912 - one branch per notation
    """The value of an Authorization header: scheme kept, credentials gone."""
    text = scan.text
    quote = ""
    tagged = LITERAL_TAG.match(text, at, scan.end)
    if tagged is not None:
        at = tagged.end()
    opened = QUOTE.match(text, at, scan.end)
    if opened is not None:
        quote = opened.group()
        at = opened.end()
        tagged = LITERAL_TAG.match(text, at)
        if tagged is not None:
            at = tagged.end()
    scheme = SCHEME.match(text, at, scan.end)
    start = scheme.end() if scheme is not None else at
    if quote:
        value = quoted(scan, opened.start())  # type: ignore[union-attr]
        stop = value.end if value is not None else start
        if stop <= start:
            return 0
        is_open = value.is_open if value is not None else False
    else:
        bare = BARE.match(text, start, scan.end)
        if bare is None:
            if scheme is not None and QUOTE.match(text, start, scan.end):
                inner = quoted(scan, start)
                if inner is None or text[inner.start : inner.start + 1] in " )+":
                    return 0  # `"Basic " + encoded`
                return take(scan, inner, verdict)
            return 0
        stop = bare.end()
        is_open = stop >= scan.end
        if (scheme is not None and _AUTH_PARAM.match(text, start, scan.end)) or _is_params(
            text, start, stop
        ):
            line = min(line_end(text, start, scan.end), start + 2048)
            stop = line
            run = _PARAM_RUN.match(text, start, line)
            closing = _PARAMS_END.search(text, run.end() if run is not None else start, line)
            if closing is not None:
                stop = closing.start()
        else:
            while stop > start and text[stop - 1] in ",;)]}" and stop < scan.end:
                stop -= 1
    content = text[start:stop]
    words = verdict.words
    if (
        _AUTH_PARAM.search(content)
        and harmless.has_digit(content)
        and not harmless.is_marked(content)
    ):
        return scan.add(start, stop, verdict.kind, "auth-scheme", is_cut=is_open)
    if harmless.harmless_text(content, words) or harmless.harmless_code(
        content, words, text[stop : stop + 1]
    ):
        return 0
    if scheme is None and not harmless.weight(content.replace(" ", "").rstrip(",")):
        return 0
    if scheme is not None and len(content) < 6:
        return 0
    if " " in content and not quote and not _AUTH_PARAM.search(content):
        return 0
    return scan.add(start, stop, verdict.kind, "auth-scheme", is_cut=is_open)


def _is_params(text: str, start: int, stop: int) -> bool:
    return text[stop - 1 : stop] == "," or text[start:stop].lower().startswith(
        ("credential=", "oauth_", "username=")
    )


def cookie(scan: Scan, at: int) -> int:
    """`Cookie: a=b; c=d`: all of it, up to the end of the header."""
    text = scan.text
    opened = QUOTE.match(text, at, scan.end)
    start = opened.end() if opened is not None else at
    run = _COOKIE_RUN.match(text, start, scan.end)
    if run is None:
        return 0
    content = run.group()
    if "=" not in content or harmless.is_marked(content[content.index("=") + 1 :] or "***"):
        return 0
    value = content[content.index("=") + 1 :]
    if harmless.harmless_code(value, ("cookie",), ""):
        return 0
    return scan.add(start, run.end(), "cookie", "cookie", is_cut=run.end() >= scan.end)
