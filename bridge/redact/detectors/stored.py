"""Commands that store a secret: `kubectl create secret --from-literal=thing=x`, `vault kv put`, ...

What such a command is given is secret whatever it is called; names that are plainly beside a secret
(`username`, `host`) are not.
"""

# ruff: noqa: E501 - a row of a table is read on one line

from __future__ import annotations

import re
from typing import Final

from bridge.redact.detectors.detector import Detector
from bridge.redact.detectors.printed import is_about
from bridge.redact.expressions import Lazy, lazy
from bridge.redact.rule import COMMAND_LINE
from bridge.redact.spans import MARK_OPEN, Scan
from bridge.redact.values import harmless
from bridge.redact.values.extent import line_end

COMMAND_CHARS: Final = 2_000  # of a command that are read behind its name
VALUES_MAX: Final = 32  # of one command

# A word of a shell: in quotes, these escaped or not, or bare.
_Q = r"\\{0,7}"
_VALUE = rf"(?:{_Q}'(?P<s1>(?:[^'\n\\]|\\(?!['\\]{{0,7}}')){{1,1024}}){_Q}'|{_Q}\"(?P<s2>(?:[^\"\n\\]|\\(?![\"\\])){{1,1024}}){_Q}\"|(?P<s3>(?:[^\s'\"`;|&<>()\\]|(?<=\w)&(?=\w)){{1,1024}}))"
_PAIR = rf"(?:(?<=\s)|(?<=['\"]))(?P<name>[A-Za-z_][\w./:-]{{0,80}}?)(?:\[\w{{1,20}}\])?={_VALUE}"
_PAIRS = lazy(_PAIR)
_MEMBERS = lazy(
    rf"{_Q}\"(?P<name>[\w.-]{{1,80}}){_Q}\"\s{{0,4}}:\s{{0,4}}{_Q}\"(?P<s3>[^\"\\\n]{{4,1024}}){_Q}\""
)
_EACH: Final = frozenset((_PAIRS, _MEMBERS))  # more than one of a command


def _value(before: str) -> Lazy:
    return lazy(before + _VALUE)


_LITERAL = lazy(rf"--from-literal[= ]{_Q}['\"]?(?P<name>[\w.-]{{1,80}})={_VALUE}")
_BELOW = _value(rf"[^\n|;&]{{0,120}}?<<-?[ ]?{_Q}['\"]?\w{{1,40}}{_Q}['\"]?\n[ \t]{{0,20}}(?!\{{)")
_FIRST_TWO = _value(r"(?:-\S+[ ]{1,3}){0,4}(?!-)\S{1,120}[ ]{1,3}(?!-)")

_DOCUMENT = lazy(r"(?<!<)<<[-~]?[ ]?['\"]?(?P<word>\w{1,40})")

# Literal of the command -> where what it stores stands. A list: each is looked for.
STORES: Final[dict[str, tuple[Lazy, ...]]] = {
    **dict.fromkeys(("--from-literal", ), (_LITERAL,)),
    **dict.fromkeys(("vault kv put ", "vault kv patch ", "bao kv put ", "bao kv patch ", "vault write ", "bao write "), (_PAIRS,)),
    **dict.fromkeys(("config:set ", "config:add "), (_PAIRS,)),
    **dict.fromkeys(
        ("fly secrets set ", "flyctl secrets set ", "doppler secrets set ", "infisical secrets set ", "supabase secrets set ", "railway variables ", "secrets set ", "secrets import", "secrets upload"),
        (_PAIRS,),
    ),
    **dict.fromkeys(("secret set ", "secrets put "), (_value(r"[^\n|;&]{0,200}?(?:--body|-b|--value|-v)[= ]{0,2}"), _PAIRS, _BELOW)),
    **dict.fromkeys(("secret bulk", "patch secret "), (_MEMBERS,)),
    **dict.fromkeys(
        ("secretsmanager ",),
        (_value(r"[^\n|;&]{0,300}?--secret-string[= ]{1,2}"),),
    ),
    "put-parameter ": (_value(r"(?=[^\n|;&]{0,600}SecureString)[^\n|;&]{0,400}?--value[= ]{1,2}"),),
    "keyvault secret set": (_value(r"[^\n|;&]{0,300}?--value[= ]{1,2}"),),
    "pulumi config set": (_value(r"(?=[^\n|;&]{0,300}--secret)[ ]{1,3}(?:-\S+[ ]{1,3}){0,4}(?!-)\S{1,120}[ ]{1,3}(?:--secret[ ]{1,3})?(?!-)"),),
    "htpasswd ": (
        _value(r"-(?=[a-zA-Z]{0,6}n)(?=[a-zA-Z]{0,6}b)[a-zA-Z]{2,7}[ ]{1,3}(?:-\S+[ ]{1,3}){0,3}[^\s-]\S{0,80}[ ]{1,3}"),
        _value(r"-(?![a-zA-Z]{0,6}n)[a-zA-Z]{0,6}b[a-zA-Z]{0,6}[ ]{1,3}(?:-\S+[ ]{1,3}){0,3}[^\s-]\S{0,160}[ ]{1,3}[^\s]{1,80}[ ]{1,3}"),
    ),
    "sops set ": (lazy(r"[ ]{0,3}(?:-\S+[ ])?\S{1,200}[ ]{1,3}(?:'[^'\n]{1,200}'|\"(?:[^\"\\\n]|\\.){1,200}\"|\S{1,200})[ ]{1,3}['\"]{0,1}\\{0,7}\"?(?P<s3>[^'\"\\\n]{1,1024})"),),
    "encrypt_string ": (_value(r"(?:-{1,2}\S+[ ]{1,3}(?!['\"])\S{0,80}[ ]{1,3}){0,4}(?:--[ ])?(?!-)"),),
    "az webapp config appsettings set": (_PAIRS,),
    "functions:config:set ": (_PAIRS,),
    "env:set ": (_FIRST_TWO,),
    "cf set-env ": (_value(r"\S{1,80}[ ]{1,3}\S{1,120}[ ]{1,3}(?!-)"),),
    "dotenvx set ": (_FIRST_TWO,),
    "user-secrets set ": (_FIRST_TWO,),
    "chamber write ": (_value(r"(?:-\S+[ ]{1,3}){0,4}\S{1,120}[ ]{1,3}\S{1,120}[ ]{1,3}(?:--[ ])?(?!-)"),),
    "consul kv put ": (_FIRST_TWO,),
    "nomad var put ": (_PAIRS,),
    "op item create": (_PAIRS,),
    "op item edit ": (_PAIRS,),
    "functionapp keys set": (_value(r"[^\n|;&]{0,200}?--key-value[= ]{1,2}"),),
    "secret:create ": (_value(r"[^\n|;&]{0,200}?--value[= ]{1,2}"),),
    "env:create ": (_value(r"[^\n|;&]{0,200}?--value[= ]{1,2}"),),
    "add-generic-password": (_value(r"[^\n|;&]{0,300}?[ ]-w[ ]?"),),
    "add-internet-password": (_value(r"[^\n|;&]{0,300}?[ ]-w[ ]?"),),
    "vercel env add ": (_value(r"[^\n|;&]{0,80}?<<<[ ]?"),),
    **dict.fromkeys(
        ("wrangler secret put ", "docker secret create ", "podman secret create ", "gcloud secrets create ", "gcloud secrets versions add ", "pass insert ", "secret-tool store ", "op signin ", "passphrase-fd ", "gopass insert "),
        (_value(r"[^\n|;&]{0,80}?<<<[ ]?"),),
    ),
    **dict.fromkeys(("conjur variable set ",), (_value(r"[^\n|;&]{0,200}?(?:-v|--value)[= ]{1,2}"),)),
    **dict.fromkeys(("akeyless create-secret ", "akeyless update-secret-val "), (_value(r"[^\n|;&]{0,200}?(?:-v|--value)[= ]{1,2}"),)),
    **dict.fromkeys(("credstash put ", "glab variable set ", "conjur variable values add "), (_FIRST_TWO, _value(r"[^\n|;&]{0,120}?(?:-v|--value)[= ]{1,2}"))),
    "databricks secrets put": (_value(r"[^\n|;&]{0,200}?--string-value[= ]{1,2}"),),
    "scw secret version create": (_PAIRS,),
    "containerapp secret set": (_PAIRS,),
    "http-basic.": (_value(r"\S{1,120}[ ]{1,3}\S{1,80}[ ]{1,3}(?!-)"),),
    **dict.fromkeys(("github-oauth.", "gitlab-token.", "bearer."), (_value(r"[\w.-]{1,80}[ ]{1,3}(?!-)"),)),
    "-fd 0 ": (_value(r"[^\n|;&]{0,80}?<<<[ ]?"),),
    "keyring.set_password(": (lazy(r"[^\n,]{1,80},[^\n,]{1,80},\s{0,3}['\"](?P<s3>[^'\"\n]{1,200})"),),
}  # fmt: skip

# What is piped into a command that stores it.
_STORER = (
    r"(?:docker|podman)[ ]secret[ ]create|wrangler[ ]secret|gh[ ]secret[ ]set|gcloud[ ]secrets|vercel[ ]env[ ]add|npx[ ]wrangler|kubeseal"
    r"|vault[ ](?:kv|write)|bao[ ]kv|pass[ ]insert|sops|ansible-vault|fly[ ]secrets|flyctl[ ]secrets|kubectl[ ]create[ ]secret|pulumi[ ]config|secret-tool[ ]store|doppler|infisical|htpasswd[ ]-\w{0,4}i|glab[ ]variable|aws[ ]secretsmanager|bw[ ]|op[ ]item|systemd-creds|age[ ]|gpg[ ]|cryptsetup|openssl[ ](?:enc|passwd)|mkpasswd|smbpasswd|heroku"
)
_PIPED = lazy(
    rf"(?:-[neE]{{1,3}}[ ]{{1,3}})?(?:['\"]?%s(?:\\n)?['\"]?[ ]{{1,3}})?{_VALUE}[ ]{{0,3}}\|[ ]{{0,3}}(?:sudo[ ])?(?:{_STORER})"
)


def stored(scan: Scan, start: int, end: int, data: object) -> int:
    """The values of one command; return where to go on, or 0."""
    assert isinstance(data, tuple)
    text = scan.text
    limit = min(scan.end, end + COMMAND_CHARS)
    stop = line_end(text, end, limit)
    stop = _behind_document(text, end, stop, limit)
    scan.effort += 2 + ((stop - end) >> 5)
    done = 0
    for pattern in data:
        if pattern in _EACH:
            done = _each(scan, pattern, end - 1, stop) or done
        elif pattern is _LITERAL:
            found = pattern().match(text, start, stop)
            done = _note(scan, found, found.group("name")) if found is not None else 0
        elif (found := pattern().match(text, end, stop)) is not None:
            done = _note(scan, found) or done
        if done:
            break
    return done


def _behind_document(text: str, at: int, stop: int, limit: int) -> int:
    """Where a command ends that is given lines of its own: `<<EOF` to `EOF`."""
    found = _DOCUMENT().search(text, at, stop) if text.find("<<", at, stop) >= 0 else None
    if found is None:
        return stop
    end = text.find(f"\n{found.group('word')}", stop, limit)
    return limit if end < 0 else end


def _each(scan: Scan, pattern: Lazy, at: int, stop: int) -> int:
    done = 0
    for number, found in enumerate(pattern().finditer(scan.text, at, stop)):
        if number >= VALUES_MAX:
            break
        done = _note(scan, found, found.group("name")) or done
    return done


def _note(scan: Scan, found: re.Match[str], name: str = "") -> int:
    group = next((one for one in ("s1", "s2", "s3") if found.groupdict().get(one)), "")
    if not group:
        return 0
    first, last = found.span(group)
    value = found.group(group)
    if is_about(name) or _is_none(value):
        return 0
    return scan.add(first, last, "secret", COMMAND_LINE.id, is_cut=last >= scan.end)


def _is_none(value: str) -> bool:
    """Is this visibly no secret: a reference, a file, a placeholder, a switch?"""
    return (
        len(value) < 4
        or MARK_OPEN in value
        or value[0] in "$@-<"
        or value.startswith(("file://", "fileb://", "/dev/", "./", "/"))
        or harmless.harmless_text(value, ())
        or (harmless.plain_setting(value) and not value.isdigit())
    )


# What asks for a new password twice: `printf 'x\nx\n' | passwd dana`.
_TWICE = lazy(
    r"(?:-e[ ]{1,3})?\\{0,7}['\"](?P<s3>[^\\'\"\n]{4,200})\\{1,8}n(?P=s3)(?:\\{1,8}n)?\\{0,7}['\"][ ]{0,3}\|[ ]{0,3}(?:sudo[ ]{1,3})?(?:-S[ ])?\w{0,20}passw"
)


def piped(scan: Scan, _start: int, end: int, _data: object) -> int:
    """`printf x | docker secret create db -`."""
    found = _PIPED().match(scan.text, end, min(scan.end, end + COMMAND_CHARS))
    scan.effort += 1
    if found is not None:
        return _note(scan, found)
    twice = _TWICE().match(scan.text, end, min(scan.end, end + COMMAND_CHARS))
    if twice is None:
        return 0
    _note(scan, twice)
    again = twice.end("s3") + scan.text[twice.end("s3") :].index(twice.group("s3"))
    return scan.add(again, again + len(twice.group("s3")), "secret", COMMAND_LINE.id)


STORED = Detector(
    name="stored",
    rule=COMMAND_LINE,
    literals=STORES,
    look=stored,
    finds=(
        "kubectl create secret generic app --from-literal=thing=⟦PA⟧",
        "vault kv put secret/app username=svc thing=⟦PA⟧",
        "heroku config:set THING=⟦a24⟧ LOG_LEVEL=debug",
        "az keyvault secret set --vault-name kv --name thing --value ⟦PA⟧",
    ),
    leaves=(
        "kubectl create secret generic app --from-literal=username=svc",
        "vault kv put secret/app @payload.json",
        "heroku config:set LOG_LEVEL=debug",
    ),
)
PIPED = Detector(
    name="piped",
    rule=COMMAND_LINE,
    literals=dict.fromkeys(("echo ", "printf ")),
    look=piped,
    finds=("printf '⟦PA⟧' | docker secret create db -",),
    leaves=("printf '%s' \"$X\" | docker secret create db -",),
)
