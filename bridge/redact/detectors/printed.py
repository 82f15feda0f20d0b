"""Commands that print a secret: what stands below them, and what an event says they gave out.

The same table reads a transcript (`$ pass show db` and the next line) and the members of an event
(`command` beside `output`): `prints` judges the command, `printed_lines` what it gave out.
"""

# ruff: noqa: E501 - a row of a table is read on one line

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

import ahocorasick

from bridge.redact.detectors.detector import Detector
from bridge.redact.names.classifier import ENV, NONE, Verdict
from bridge.redact.names.words import META
from bridge.redact.rule import ASSIGNMENT
from bridge.redact.spans import MARK_OPEN, Scan
from bridge.redact.values import harmless
from bridge.redact.values.extent import line_end

LINES_MAX: Final = (
    40  # lines of an output that are read; a command that prints more prints no secret
)
LINE_CHARS_MAX: Final = 32_768
COMMAND_MAX: Final = 2_000  # characters of a command

# Literal that stands in the command -> the command, as its manual has it. Group `field` names what
# is printed: `-field=username` prints none. Group `named` must itself name a secret.
PRINTERS: Final[dict[str, re.Pattern[str]]] = {
    anchor: re.compile(pattern)
    for anchor, pattern in {
        "pass show ": r"\b(?:go)?pass show (?:-\S+ )*(?P<field>[^\s'\"|;&]+)",
        "op read ": r"\bop read (?:-\S+ )*['\"]?op://(?P<field>[^'\"|;&\n>]+)",
        "op item get ": r"\bop item get [^\n|]*(?:--fields?[= ](?:label=|type=)?(?P<field>[\w.-]+)[^\n|]*--reveal|--reveal[^\n|]*--fields?[= ](?:label=)?[\w.-]+|--otp)",
        "kv get ": r"\b(?:vault|bao) kv get [^\n|]*-field[= ]['\"]?(?P<field>[\w.-]+)",
        "vault read ": r"\b(?:vault|bao) read [^\n|]*-field[= ](?P<field>[\w.-]+)",
        "vault write ": r"\b(?:vault|bao) write [^\n|]*-field[= ](?P<field>secret_id|token|client_token|password)",
        "token create": r"\b(?:vault|bao) token create [^\n|]*-field|\bkubectl create token |\bkubeadm token create(?! --print)",
        "create token ": r"\b(?:kubectl|oc) (?:-n \S+ )?create token ",
        "print token": r"\b(?:vault|bao) print token",
        "certificate-key": r"\bkubeadm certs certificate-key",
        "print-access-token": r"print-access-token",
        "print-identity-token": r"print-identity-token",
        "get-access-token": r"\baz account get-access-token [^\n|]*--query ['\"]?accessToken",
        "iam create-access-key": r"\baws iam create-access-key\b",
        "get-session-token": r"\baws sts get-session-token\b",
        "sts assume-role": r"\baws sts assume-role",
        "get-authorization-token": r"\baws (?:codeartifact|ecr|ecr-public) get-authorization-token\b",
        "generate-db-auth-token": r"\baws rds generate-db-auth-token\b",
        "get-random-password": r"\baws secretsmanager get-random-password\b",
        "get-password-data": r"\baws ec2 get-password-data\b",
        "generate-login-token": r"\bgcloud sql generate-login-token\b",
        "credential show": r"\baz [\w -]{1,30}credential show [^\n|]*--query ['\"]?(?P<field>\w+)",
        "keys list": r"\baz [\w -]{1,40}keys list [^\n]*(?:--query|-o |--output )",
        "list-keys": r"\baz [\w -]{1,40}list-keys [^\n]*(?:--query|-o |--output )",
        "connection-string": r"\baz [\w -]{1,40}(?:show|list)-connection-strings? [^\n]*--query",
        "secrets versions access ": r"\bgcloud secrets versions access ",
        "get-secret-value": r"\baws secretsmanager get-secret-value [^\n]*(?:--query ['\"]?SecretString|jq -r \.SecretString)",
        "--with-decryption": r"\baws ssm get-parameters? [^\n]*--with-decryption[^\n]*--query|--query [^\n]*--with-decryption",
        "get-login-password": r"\baws ecr(?:-public)? get-login-password",
        "keyvault secret show": r"\baz keyvault secret show [^\n]*--query ['\"]?value",
        "bw get ": r"\bbw get (?P<field>password|totp|notes) ",
        "rbw get ": r"\brbw get ",
        "lpass show ": r"\blpass show [^\n]*(?:--password|-p )",
        "find-generic-password": r"\bsecurity find-generic-password [^\n]*-\w{0,4}w\b",
        "find-internet-password": r"\bsecurity find-internet-password [^\n]*-\w{0,4}w\b",
        "secret-tool lookup": r"\bsecret-tool lookup ",
        "keyring get ": r"\bkeyring get ",
        "keepassxc-cli show": r"\bkeepassxc-cli show [^\n]*(?:-a|--attributes)[ =](?P<field>\w+)",
        "chamber read ": r"\bchamber read [^\n]*-q",
        "doppler secrets get ": r"\bdoppler secrets get (?P<named>\w+)[^\n]*--plain",
        "infisical secrets get ": r"\binfisical secrets get (?P<named>\w+)[^\n]*--(?:plain|raw-value)",
        "heroku config:get ": r"\bheroku config:get (?P<named>\w+)",
        "heroku auth:token": r"\bheroku auth:token",
        "auth token": r"\b(?:gh|fly|flyctl|glab|huggingface-cli) auth token",
        "tokens create ": r"\b(?:fly|flyctl) tokens create ",
        "whoami -t": r"\boc whoami -t",
        "show-token": r"\boc whoami [^\n]*--show-token",
        "initial-password": r"\bargocd admin initial-password",
        "generate-token": r"\bargocd account generate-token",
        "output -raw ": r"\b(?:terraform|tofu|terragrunt)[^\n|]* output -raw (?P<field>[\w-]+)",
        "--show-secrets": r"\bpulumi stack output (?P<field>[\w-]+) [^\n]*--show-secrets|\bpulumi stack output [^\n]*--show-secrets (?P<named>[\w-]+)",
        "pulumi config get ": r"\bpulumi config get [^\n|;&]*?(?:[\w-]+:)?(?:[\w-]+\.)*(?P<named>[\w-]+)['\"]{0,2}[ ]*(?=$|[|;&\n])",
        "base64 -": r"\b(?:kubectl|oc|k)\b[^\n]*\bsecrets?\b(?:[^\n]*\.(?P<field>[\w-]+)\}?['\"]?)?[^\n|]*\|[ ]?base64 (?:-d|-D|--decode)",
        "base64decode": r"\b(?:kubectl|oc)\b[^\n]*\bsecrets?\b[^\n]*base64decode",
        "@base64d": r"\b(?:kubectl|oc|k)\b[^\n]*\bsecrets?\b[^\n|]*\|[ ]?jq[^\n]*?[.\"](?P<field>[\w-]+)\"?\]?[ ]?\|[ ]?@base64d",
        "jsonpath": r"\b(?:kubectl|oc|k)\b[^\n]*\bget secrets?\b[^\n]*jsonpath=[^\n]*?\.data(?:\.|\[['\"]?)(?P<field>[\w.\\-]+)['\"]?\]?\}",
        "-template=": r"\b(?:kubectl|oc|k)\b[^\n]*\bget secrets?\b[^\n]*-template=[^\n]*?\.data(?:\.|[ ]\\?[\"'])(?P<field>[\w.-]+)",
        "extract secret/": r"\boc extract secret/[^\n]*--to=-",
        "view-secret ": r"\b(?:kubectl|oc|k) view-secret ",
        " jq -": r"\b(?:vault|bao|kubectl|oc|aws|az|gcloud|op|bw|doppler|infisical|sops|pulumi|terraform|tofu)\b[^\n]*\|[ ]?jq -\w*r\w* ['\"]?[^\n|]*?\.(?P<named>\w+)['\"]?(?=[ ]*(?:$|\||\n))",
        "oathtool ": r"\boathtool ",
        "sops -d": r"\bsops (?:-d|decrypt|--decrypt) [^\n]*--extract",
        "sops decrypt": r"\bsops decrypt [^\n]*--extract",
        "consul kv get ": r"\bconsul kv get (?P<named>[\w/-]+)",
        "pwgen": r"\bpwgen\b",
        "apg ": r"(?:^|[\s;&|])apg -",
        "makepasswd": r"\bmakepasswd\b",
        "xkcdpass": r"\bxkcdpass\b",
        "diceware": r"\bdiceware\b",
        "wg gen": r"\bwg gen(?:key|psk)\b",
        "openssl rand": r"\bopenssl rand (?:-base64|-hex)",
        "/dev/urandom": r"/dev/urandom[^\n]*(?:base64|tr -dc|xxd|hexdump|od |fold)|(?:tr -dc|head -c)[^\n]*/dev/urandom",
        "secrets.token_": r"\bprint\(secrets\.token_",
        "generate_password": r"\bprint\([^\n]{0,80}(?:make_random_password|generate_password)|pwd?_?generate",
        "get_random_secret_key": r"get_random_secret_key\(\)",
        "randombytes(": r"randomBytes\([^\n]{0,20}\)\.toString",
        "rails secret": r"\brails secret\b",
        "mix phx.gen.secret": r"\bmix phx\.gen\.secret",
        "key:generate --show": r"key:generate --show",
        "printenv ": r"\bprintenv (?P<named>\w+)",
        "echo $": r"\becho \$\{?(?P<named>[A-Za-z]\w*)\}?[ ]*(?:$|[;&\n'\"])",
        "echo \"$": r"\becho \"\$\{?(?P<named>[A-Za-z]\w*)\}?\"",
        "run/secrets/": r"\bcat (?P<named>(?:/var)?/run/secrets/[\w./-]+)",
        "etc/secrets/": r"\bcat (?P<named>/etc/secrets/[\w./-]+)",
        ".vault-token": r"\bcat (?P<named>\S*/\.vault-token)",
    }.items()
    if pattern != "(?!)"
}  # fmt: skip

_ANCHORS = ahocorasick.Automaton()
for _literal, _pattern in PRINTERS.items():
    _ANCHORS.add_word(_literal, (len(_literal), _pattern))
_ANCHORS.make_automaton()
# What may follow: filters that still print it. `> file`, `| docker login` and `$(...)` print nothing.
_SHOWS_ON = re.compile(
    r"\|[ ]{0,2}(?:base64|tr|head|tail|cut|awk|sed|jq|xargs|cat|tee|rev|fold|grep|xxd|openssl base64|python3? -m base64|sort|uniq|column|less|strings)\b"
)
_PIPE_OR_FILE = re.compile(r"(?<![0-9&])>{1,2}(?!&)|\|(?!\|)")
_HELP = re.compile(r"\s(?:--help|--version|-h)(?=\s|\Z)")
_INTO = re.compile(r"(?:\$\(|`|<\()[^()`]{0,400}\Z")
_SHOWN_AGAIN = re.compile(r"(?:echo|printf|print)\b[^\n]{0,200}\Z")

Names = Callable[[str], Verdict]


def prints(command: str, names: Names) -> bool:
    """Does this command print a secret and nothing else? `names` judges names."""
    command = command[:COMMAND_MAX]
    for last, (size, pattern) in _ANCHORS.iter(command.lower()):
        start = last + 1 - size
        begin = command.rfind("\n", 0, start) + 1
        low = max(begin, start - 200)
        found = pattern.search(command, low, line_end(command, last + 1, len(command)))
        if found is not None and _is_printed(command, found) and _is_secret(found, names):
            return True
    return False


def _is_printed(command: str, found: re.Match[str]) -> bool:
    """Does it reach the reader, not a file, a variable or another program?"""
    if _HELP.search(command, found.start(), line_end(command, found.end(), len(command))):
        return False
    before = command[max(0, found.start() - 400) : found.start()]
    into = _INTO.search(before)
    if into is not None and not _SHOWN_AGAIN.search(before, 0, into.start()):
        return False
    at = found.end()
    stop = line_end(command, at, len(command))
    for _ in range(6):
        cut = _PIPE_OR_FILE.search(command, at, stop)
        if cut is None:
            return True
        if _SHOWS_ON.match(command, cut.start(), stop) is None:
            return cut.group()[0] == ">" and command.startswith("/dev/stdout", cut.end() + 1)
        at = cut.end()
    return True


def _is_secret(found: re.Match[str], names: Names) -> bool:
    groups = found.groupdict()
    if named := groups.get("named"):
        if "/" in named:
            return True
        return names(named).grade not in (NONE, ENV)
    if field := groups.get("field"):
        last = re.split(r"[/._-]", field.rstrip("/"))[-1].lower()
        return last not in META and last not in ("user", "login", "account", "website", "crt")
    return True


KEY_MIN: Final = 20  # characters of a key in a table
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT")
_TROUBLE = re.compile(
    r"(?i)(?:error|fatal|usage|warning|warn|panic|failed|unable|cannot|could not|no such|not found|permission|denied|invalid"
    r"|unauthorized|you |please |the |run |try |see |traceback|exception|bash:|sh:|zsh:|-bash:)\b|[\w./-]{1,60}: (?:error|command|line|not|no|cannot|permission)"
)


def printed_lines(output: str, at: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """Where in an output of such a command its secrets stand: start and end of each."""
    end = len(output) if end is None else end
    read = 0
    while at < end and read < LINES_MAX:
        stop = line_end(output, at, min(end, at + LINE_CHARS_MAX + 1))
        line = output[at:stop]
        text = line.strip(" \t\r\"'")
        if text and text[0] not in "{[":
            read += 1
            if stop - at > LINE_CHARS_MAX or (read == 1 and _TROUBLE.match(text)):
                return
            first = at + line.index(text)
            if " " not in text and "\t" not in text:
                if _is_made(text):
                    yield first, first + len(text)
            elif read == 1 or text.count("  ") or "\t" in text:
                yield from _words(text, first)
        at = stop + 1


def _is_made(text: str) -> bool:
    return (
        len(text) >= 4
        and not text.endswith(":")
        and not harmless.is_marked(text)
        and MARK_OPEN not in text
    )


def _words(text: str, first: int) -> Iterator[tuple[int, int]]:
    """A passphrase of several words, or passwords in columns; a sentence is none."""
    words = text.split()
    if len(words) <= 12 and all(word.isalpha() and word.islower() for word in words):
        if not harmless.is_sentence(text):
            yield first, first + len(text)
        return
    if all(len(word) >= 6 and harmless.weight(word) for word in words):
        chosen = words
    else:  # columns: only what a machine made
        chosen = [word for word in words if len(word) >= KEY_MIN and _is_key(word)]
    at = 0
    for word in chosen:
        at = text.index(word, at)
        yield first + at, first + at + len(word)
        at += len(word)


def _is_key(word: str) -> bool:
    """In columns stand names, times and ids as well."""
    return (
        harmless.weight(word) == harmless.HEAVY
        and not harmless.is_uuid(word)
        and not harmless.plain_setting(word)
        and _STAMP.match(word) is None
        and not word.startswith("arn:")
    )


def printed(scan: Scan, start: int, end: int, _data: object) -> int:
    """`$ op read op://prod/db/password` and the lines below it, to the next prompt."""
    text = scan.text
    low = max(0, start - 300)
    begin = text.rfind("\n", low, start) + 1 or low
    stop = line_end(text, end, min(scan.end, end + COMMAND_MAX))
    scan.effort += 2
    if stop >= scan.end or text[stop] != "\n":
        return 0
    line = text[begin:stop]
    prompt = _prompt(line)
    if (prompt is None and begin + len(line) - len(line.lstrip()) < start - 60) or not prints(
        line, scan.names.verdict
    ):
        return 0
    limit = _block_end(scan, stop + 1, prompt)
    done = 0
    for first, last in printed_lines(text, stop + 1, limit):
        # Without a prompt it may be a page of a manual: only what a machine made counts.
        if prompt is None and harmless.weight(text[first:last]) != harmless.HEAVY:
            continue
        done = scan.add(first, last, "secret", ASSIGNMENT.id, is_cut=last >= scan.end)
        if prompt is None:
            break
    return done


_PROMPTS = re.compile(r"[^\n$#%❯]{0,80}?[$#%❯][ ]|PS [^\n>]{0,80}> |\+ ")


def _prompt(line: str) -> str | None:
    """The prompt before a command."""
    found = _PROMPTS.match(line)
    return found.group() if found is not None and len(found.group()) < len(line) else None


def _block_end(scan: Scan, at: int, prompt: str | None) -> int:
    """Where the output below a command ends: at the next prompt, an empty line, the end."""
    text = scan.text
    for _ in range(LINES_MAX if prompt is not None else 1):
        if (
            at >= scan.end
            or text[at] == "\n"
            or (prompt is not None and text.startswith(prompt, at))
        ):
            break
        at = line_end(text, at, min(scan.end, at + LINE_CHARS_MAX)) + 1
        scan.effort += 1
    return min(at, scan.end)


PRINTED = Detector(
    name="printed",
    rule=ASSIGNMENT,
    literals=dict.fromkeys(PRINTERS),
    look=printed,
    finds=(
        "$ op read op://prod/db/password\n⟦a24⟧",
        "$ vault kv get -field=password secret/app\n⟦PA⟧\n$ echo done",
    ),
    leaves=(
        "$ pass show db\nError: db is not in the password store.",
        "$ vault kv get -field=username secret/app\nDana4412x",
        "$ op read op://prod/db/password | docker login --password-stdin\nLogin-Succeeded1",
    ),
)
