"""HTTP headers in a text: Authorization in all its schemes, Cookie and Set-Cookie."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

from bridge.redact.expressions import lazy
from bridge.redact.names.classifier import Verdict
from bridge.redact.rule import AUTH_SCHEME, COOKIE
from bridge.redact.spans import MARK_OPEN, Scan
from bridge.redact.values import harmless
from bridge.redact.values.cookies import are_pairs, cookies
from bridge.redact.values.extent import BARE, LITERAL_TAG, QUOTE, Value, bare_end, line_end, quoted
from bridge.redact.values.judge import SCHEME, take

PARAMS_MAX = 2_048  # characters of the parameters of a scheme
_AUTH_PARAM = lazy(
    r"(?i)(?:token|key|secret|password|credential|signature|response|oauth_[a-z_]{2,20}|sig|mac|nonce|id)=\"?"
)
# The same anywhere, looked for from its sign on, which few credentials have inside.
_HAS_PARAM = lazy(
    r"(?i)=(?:(?<=token=)|(?<=key=)|(?<=secret=)|(?<=password=)|(?<=credential=)|(?<=signature=)|(?<=response=)|(?<=sig=)|(?<=mac=)|(?<=nonce=)|(?<=id=))"
)
_COOKIE_RUN = lazy(
    r"[^\s\"'`<>;\\]{1,32768}+(?:;[ \t]{0,2}"
    r"(?!(?i:path|domain|expires|max-age|samesite|version|priority)=)"  # attributes of Set-Cookie
    r"[^\s\"'`<>=;\\]{1,128}=[^\s\"'`<>;\\]{0,32768}){0,40}"
)
# The quote that ends a header inside a command or a JSON text; not those of its parameters.
_PARAMS_END = lazy(
    r"(?<![=\s\\])\\{0,7}['\"](?=[ \t]{1,4}(?:-|https?:|\\)|\\?[,}\])])(?<!\w\")"
    r"(?<!\w\\\")(?<!\w\\\\\\\")"
)


# A scheme that nobody told us of, before credentials that look like some.
_ANY_SCHEME = lazy(
    r"(?!(?i:header|token|required|is|the|and|with|none|for)\b)[A-Za-z][A-Za-z0-9._-]{1,31}[ \t]{1,4}"
    r"(?=[A-Za-z0-9+/=._~:-]{0,60}[0-9+/=])(?=[A-Za-z0-9+/=._~:|-]{12})"
)
_CLOSED = lazy(r"\\{0,15}[\"']")


# `username="bob", uri="/", response="..."`, the quotes escaped or not.
_PARAM_RUN = lazy(
    r"(?:[A-Za-z_-]{1,40}=(?:\\{0,7}\"[^\"\\\n]{0,1024}\\{0,7}\"|[^\s,\"'\\]{0,1024})(?:,[ \t]{0,4})?){2,32}"
)


def authorization(scan: Scan, at: int, verdict: Verdict) -> int:
    """The value of an Authorization header: scheme kept, credentials gone."""
    text = scan.text
    at = _behind_tag(scan, at)
    opened = QUOTE.match(text, at, scan.end)
    if opened is not None:
        at = _behind_tag(scan, opened.end())
    scheme = SCHEME().match(text, at, scan.end) or _ANY_SCHEME().match(text, at, scan.end)
    has_scheme = scheme is not None
    start = scheme.end() if scheme is not None else at
    if opened is not None:
        value = quoted(scan, opened.start())
        if value is None or value.end <= start:
            return 0
        value = value._replace(start=start)
    else:
        bare = BARE.match(text, start, scan.end)
        if bare is None:
            return _quoted_credentials(scan, start, verdict) if has_scheme else 0
        whole = bare_end(scan, bare.end(), start)
        stop = _bare_end(scan, start, whole, has_scheme=has_scheme)
        value = Value(start, stop, "", whole >= scan.end)
    scan.effort += 1
    if not has_scheme and text.startswith(MARK_OPEN, value.end + 1):
        return 0  # a scheme that nobody told us of, its credentials gone already
    if not _is_credential(scan, value, verdict, has_scheme=has_scheme):
        return 0
    return scan.add(value.start, value.end, verdict.kind, AUTH_SCHEME.id, is_cut=value.is_open)


def _behind_tag(scan: Scan, at: int) -> int:
    tagged = LITERAL_TAG.match(scan.text, at, scan.end)
    return tagged.end() if tagged is not None else at


def _quoted_credentials(scan: Scan, start: int, verdict: Verdict) -> int:
    """`Basic "x"`, but not `"Basic " + encoded`."""
    inner = quoted(scan, start)
    if inner is None or scan.text[inner.start : inner.start + 1] in " )+":
        return 0
    return take(scan, inner, verdict)


def _bare_end(scan: Scan, start: int, stop: int, *, has_scheme: bool) -> int:
    """Where credentials without quotes end: at a blank, or, parameters, with their line."""
    text = scan.text
    is_params = has_scheme and _AUTH_PARAM().match(text, start, scan.end) is not None
    if not is_params and not _is_params(text, start, stop):
        while stop > start and text[stop - 1] in ",;)]}" and stop < scan.end:
            stop -= 1
        return stop
    line = min(line_end(text, start, scan.end), start + PARAMS_MAX)
    run = _PARAM_RUN().match(text, start, line)
    if run is not None and _CLOSED().match(text, run.end(), line):
        return run.end()
    closing = _PARAMS_END().search(text, run.end() if run is not None else start, line)
    return closing.start() if closing is not None else line


def _is_credential(scan: Scan, value: Value, verdict: Verdict, *, has_scheme: bool) -> bool:
    content = scan.text[value.start : value.end]
    has_params = _has_params(content)
    if has_params and harmless.has_digit(content) and not harmless.is_marked(content):
        return True
    after = scan.text[value.end : value.end + 1]
    if harmless.harmless_code(content, verdict.words, after):
        return False
    if has_scheme:
        if len(content) < 6:
            return False
    elif not harmless.weight(content.replace(" ", "").rstrip(",")):
        return False
    return " " not in content or bool(value.quote) or has_params


def _has_params(content: str) -> bool:
    if _HAS_PARAM().search(content) is not None:
        return True
    return "oauth_" in content.lower() and _AUTH_PARAM().search(content) is not None


def _is_params(text: str, start: int, stop: int) -> bool:
    return text[stop - 1 : stop] == "," or text[start:stop].lower().startswith(
        ("credential=", "oauth_", "username=")
    )


def cookie(scan: Scan, at: int) -> int:
    """`Cookie: a=b; c=d`: the values that are no settings, up to the end of the header.

    Returns where to go on, 0 if all are settings, -1 if it is no list of pairs.
    """
    text = scan.text
    opened = QUOTE.match(text, at, scan.end)
    start = opened.end() if opened is not None else at
    run = _COOKIE_RUN().match(text, start, scan.end)
    if run is None:
        return 0
    content = run.group()
    scan.effort += 1 + (len(content) >> 5)
    if not are_pairs(text, start, run.end()):
        return -1
    done = 0
    for first, last in cookies(text, start, run.end()):
        done = scan.add(first, last, "cookie", COOKIE.id, is_cut=last >= scan.end)
    return done
