"""Passwords on command lines, where the flag is known only together with the program."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

import re
from typing import Final

from bridge.redact.detectors.detector import Detector, literals, shorter
from bridge.redact.expressions import Lazy, lazy
from bridge.redact.rule import COMMAND_LINE
from bridge.redact.spans import MARK_OPEN, Scan
from bridge.redact.values import harmless
from bridge.redact.values.cookies import cookies
from bridge.redact.values.spoken import is_common_password

TRIES_MAX = 4  # flags of a line that look like the one for the password
LINE_MAX = 400  # characters of a command that are read
GIVEN_MAX: Final = 33_168  # of one that begins with its secret: as long as any, and a line

# Quotes stand escaped in a JSON text.
_WORD = r"(?:\\{{0,7}}'(?P<{0}1>[^'\n\\]{{1,200}})(?:\\{{0,7}}'|\Z)|\\{{0,7}}\"(?P<{0}2>[^\"\n\\]{{1,200}})(?:\\{{0,7}}\"|\Z)|(?P<{0}3>(?:[^\s'\"`;|&<>()\\]|(?<=\w)&(?=\w)){{1,200}}))"


def _secret(prefix: str) -> Lazy:
    return lazy(prefix + _WORD.format("s"))


_PAIR = lazy(
    r"(?<!\S)(?:-u|--user|--basic-auth|-a|--auth|-U|--proxy-user|--http-user|--credentials|--creds)[ =]{0,3}\\{0,3}['\"]?"
    r"(?P<user>(?:[\w.-]{1,40}(?:\\{1,8}|/))?[^\s:'\"\\%]{0,100})[:%](?P<s3>[^\s'\"\\]{1,200})"
)

_COOKIES = lazy(
    r"(?<!\S)(?:-[a-zA-Z]{0,4}b|--cookie)[ =]{1,3}\\{0,7}"
    r"(?:['\"](?P<c1>[^'\"\\\n=]{1,64}=[^'\"\\\n]{1,512})|(?P<c2>[\w.-]{1,64}=[^\s'\"`;|&<>\\]{1,512}))"
)

# `keytool` has one for the store and one for the key, `snmpget` one to sign and one to encrypt.
_KEYTOOL = _secret(
    r"(?<!\S)-{1,2}(?:storepass|keypass|srcstorepass|deststorepass|srckeypass|destkeypass|new|ks-pass|key-pass)[ ]{1,3}(?:pass:)?"
)
_SNMP = _secret(r"(?<!\S)-(?:P|A|X|p)[ ]{1,3}(?!\d{1,5}(?:\s|\Z))")
# `ldappasswd` has one to bind and one to set, `ssh-keygen` the old one and the new one.
_LDAP = _secret(r"(?<!\S)-(?:w|s(?=[ ]{1,3}(?!base|one|sub)))[ ]{0,3}")
_KEYGEN = _secret(r"(?<!\S)-(?:N|P)[ ]{1,3}")
_SEVERAL: Final = frozenset((_KEYTOOL, _SNMP, _LDAP, _KEYGEN))

# Program -> what holds its password. Names and flags are those of the programs' manuals.
PROGRAMS: Final[dict[str, tuple[Lazy, ...]]] = {}
for _names, _patterns in (
    (
        "curl|wget|http|https|httpie|xh|lwp-request|ab|siege|hey|k6|wrk|etcdctl",
        (_PAIR, _COOKIES),
    ),
    (
        "smbclient|rpcclient|net ads|smbmap|crackmapexec|evil-winrm|impacket",
        (_PAIR, _secret(r"(?<!\S)-p[ ]{1,3}")),
    ),
    (
        "mysql|mysqldump|mysqladmin|mariadb|mariadb-dump|mysqlimport|mysqlsh|mycli|mysqlcheck|mysqlpump|xtrabackup",
        (_secret(r"(?<!\S)-p(?![ ]|[a-z]{3,9}=)"), _secret(r"(?<!\S)--password[ ]{1,3}")),
    ),
    (
        "mongo|mongosh|mongodump|mongorestore|mongoexport|mongoimport|cqlsh|clickhouse-client|influx|sqlcmd|bcp|isql|tsql|osql|impala-shell|presto|snowsql|vsql|beeline|neo4j-admin|cypher-shell|arangosh|couchbase-cli",
        (_secret(r"(?<!\S)-(?:p|P|w)[ ]{0,3}"),),
    ),
    ("influx", (_secret(r"(?<!\S)(?:-t|--token)[ ]{1,3}"), _secret(r"(?<!\S)-p[ ]{1,3}"))),
    ("redis-cli|keydb-cli|valkey-cli", (_secret(r"(?<!\S)-a[ ]{0,3}"),)),
    (
        "sshpass|security unlock-keychain|security create-keychain|security set-keychain-password",
        (_secret(r"(?<!\S)-p[ ]{0,3}"),),
    ),
    (
        "docker|podman|nerdctl|buildah|skopeo|crane|oras|helm registry|helm|az|oc|kubelogin|twine|ansible-vault|twistcli|jf|jfrog|npm-cli-login|hub-tool|cf|ibmcloud|argocd|rancher|oras login",
        (
            _secret(r"(?<!\S)-p[ ]{1,3}(?!\d{1,5}:\d)"),
            _secret(r"(?<!\S)--(?:creds|src-creds|dest-creds)[ =][^\s:]{1,80}:"),
        ),
    ),
    (
        "ldapsearch|ldapmodify|ldapadd|ldapwhoami|ldapdelete|ldappasswd|kadmin|kadmin.local|ldapvi|slappasswd",
        (_LDAP,),
    ),
    (
        "ipmitool|snmpwalk|snmpget|snmpset|mosquitto_pub|mosquitto_sub|rabbitmqadmin|nsca|net-snmp",
        (_SNMP,),
    ),
    (
        "xfreerdp|wlfreerdp|rdesktop|freerdp",
        (_secret(r"(?<!\S)/p:"), _secret(r"(?<!\S)-p[ ]{1,3}")),
    ),
    (
        "altool|notarytool|itmstransporter",
        (_secret(r"(?<!\S)(?:-p|--password)[ ]{1,3}(?!@)"),),
    ),
    ("plink|pscp|psftp|putty|kitty|klink", (_secret(r"(?<!\S)-pw[ ]{1,3}"),)),
    (
        "psexec|psexec64|nxc|netexec|hydra|racadm|medusa",
        (_secret(r"(?<!\S)-p[ ]{1,3}(?!\d{1,5}(?:\s|\Z))"),),
    ),
    ("schtasks|wmic", (_secret(r"(?<!\S)/(?:rp[ ]{1,3}|password:)"),)),
    (
        "oathtool",
        (
            _secret(r"(?<!\S)(?:-b|--base32)[ ]{1,3}(?:-\S{1,20}[ ]{1,3}){0,4}"),
            _secret(r"(?<!\S)--[th]otp(?:=\w{1,8})?[ ]{1,3}(?:-\S{1,20}[ ]{1,3}){0,4}"),
        ),
    ),
    ("7z|7za|7zr|rar|unrar", (_secret(r"(?<!\S)-p(?![ ])"), _secret(r"(?<!\S)-hp(?![ ])"))),
    ("zip|unzip", (_secret(r"(?<!\S)(?:-P|--password)[ ]{1,3}"),)),
    (
        "openssl",
        (
            _secret(r"(?<!\S)-(?:passin|passout|pass|passwd)[ ]{1,3}['\"]?pass:"),
            _secret(r"(?<!\S)-k[ ]{1,3}"),
            _secret(r"(?<!\S)-(?:hmac|K)[ ]{1,3}"),
            _secret(
                r"passwd[ ]{1,3}(?:-(?:1|5|6|apr1|aixmd5|salt[ ]{1,3}\S{1,20})[ ]{1,3}){1,2}(?!-)"
            ),
        ),
    ),
    (
        "keytool|jarsigner|apksigner|zipalign",
        (_KEYTOOL,),
    ),
    (
        "htpasswd",
        (
            _secret(
                r"(?<!\S)-[a-zA-Z]{0,6}b[a-zA-Z]{0,6}[ ]{1,3}[^\s]{1,120}[ ]{1,3}[^\s]{1,80}[ ]{1,3}"
            ),
            _secret(
                r"(?<!\S)-[a-zA-Z]{0,6}n[a-zA-Z]{0,3}b[a-zA-Z]{0,6}[ ]{1,3}[^\s]{1,80}[ ]{1,3}"
            ),
        ),
    ),
    ("ssh-keygen|puttygen", (_KEYGEN,)),
    (
        "mosquitto_passwd",
        (_secret(r"(?<!\S)-[a-zA-Z]{0,3}b[ ]{1,3}\S{1,160}[ ]{1,3}\S{1,80}[ ]{1,3}"),),
    ),
    (
        "mkpasswd|bcrypt-cli|caddy hash-password|caddy",
        (
            _secret(r"(?<!\S)(?:--plaintext|-p)[ ]{1,3}"),
            _secret(r"(?<!\S)-(?:m|R)[ ]{1,3}\S{1,20}[ ]{1,3}(?!-)"),
            _secret(r"(?<=bcrypt-cli)[ ]{1,3}(?!-)"),
        ),
    ),
    (
        "drush",
        (_secret(r"(?:user:password|user-password|upwd)[ ]{1,3}\S{1,60}[ ]{1,3}(?:--password=)?"),),
    ),
    ("chpasswd", ()),
    ("useradd|usermod|adduser", (_secret(r"(?<!\S)-p[ ]{1,3}"),)),
    (
        "net user|net use",
        (
            _secret(r"/user:\S{1,60}[ ]{1,3}(?!/)"),
            _secret(r"[ ]{1,3}[^\s/]{1,60}[ ]{1,3}(?![/\\*])"),
        ),
    ),
    (
        "lftp|ncftp|ncftpget|ncftpput",
        (_secret(r"(?<!\S)-u[ ]{1,3}[^\s,]{1,80},"), _secret(r"(?<!\S)-p[ ]{1,3}")),
    ),
    ("wpa_passphrase", (_secret(r"wpa_passphrase[ ]{1,3}(?:\"[^\"]{1,60}\"|\S{1,60})[ ]{1,3}"),)),
    (
        "sqlplus|expdp|impdp|rman|sqlldr|exp|imp",
        (lazy(r"(?<!\S)[\"']?\w{1,40}/(?P<s3>[^\s@/\"']{3,32768}+)@"),),
    ),
    (
        "ngrok|snyk|vault login|vault|huggingface-cli|wandb|railway|flyctl|doctl|netlify|vercel|fly|wrangler|supabase|sentry-cli|heroku|databricks|codecov|tailscale|cloudflared|hcp|doppler|infisical|op|bw|gh|glab|npm|pulumi|hf|civo|linode-cli|hcloud|scw|turso|neonctl|pscale|stripe|twilio|expo|eas|appcenter|surge|shopify|surreal|firebase|cargo|gem|poetry",
        (
            _secret(
                r"(?<!\S)(?:authtoken|add-authtoken|auth|login|--with-token[ ]{1,3}<<<|--authkey|--auth-key|service[ ]{1,3}install|unlock)[ =]{1,3}(?!-)"
            ),
            _secret(r"(?<!\S)-(?:t|k|p)[ ]{1,3}"),
            _secret(r"(?<!\S)pypi-token\.\w{1,20}[ ]{1,3}"),
            _secret(r"(?<!\S)operator[ ]{1,3}unseal[ ]{1,3}(?!-)"),
            _secret(r"gem push[ ][^\n|;&]{1,80}?--key[ =]"),
        ),
    ),
    (
        "rabbitmqctl",
        (_secret(r"(?:add_user|change_password|authenticate_user)[ ]{1,3}\S{1,60}[ ]{1,3}"),),
    ),
    ("gpg|gpg2|cryptsetup|restic|borg|ccrypt|age", (_secret(r"(?<!\S)--passphrase[ =]{1,3}"),)),
    (
        "rclone|mc",
        (
            _secret(r"obscure[ ]{1,3}"),
            _secret(r"alias set[ ]{1,3}\S{1,60}[ ]{1,3}\S{1,160}[ ]{1,3}\S{1,80}[ ]{1,3}"),
        ),
    ),
    ("psql|pg_dump|pg_restore|createdb|createuser", ()),
    ("nuget push|choco push|chocolatey push", (_secret(r"(?<!\S)-(?:k|s?ApiKey|ak)[ ]{1,3}"),)),
    ("cmdkey|runas", (_secret(r"(?<!\S)/pass(?:word)?:"),)),
    (
        "reg add|reg",
        (
            _secret(
                r"(?i:/v)[ ]{1,3}\w{0,40}(?i:password|passwd|secret|token)[ ](?:[^\n|;&]{0,60}?[ ])?(?i:/d)[ ]{1,3}"
            ),
        ),
    ),
    (
        "convertto-securestring",
        (_secret(r"[ ]{1,3}(?:-(?:String|AsPlainText|Force)[ ]{1,3}){0,3}"),),
    ),
    (
        "secret set|secrets set|secret put|env add|secrets add|secret create|secrets create|put-parameter|put-secret-value|update-secret",
        (
            _secret(
                r"(?:(?<!\S)(?:--body|--value|--secret-string|--data|-b|-v)[ =]{0,3}|<<<[ ]{0,3})"
            ),
        ),
    ),
):
    for _name in _names.split("|"):
        PROGRAMS[_name] = _patterns

_ECHO = lazy(
    r"(?:echo|printf)[ ]{1,3}(?:-[neE]{1,3}[ ]{1,3})?(?:['\"]?%s(?:\\n)?['\"]?[ ]{1,3})?(?:\\{0,7}'(?P<s1>[^'\n\\]{4,32768}+)\\{0,7}'|\\{0,7}\"(?P<s2>[^\"\n\\]{4,32768}+)\\{0,7}\"|(?P<s3>[^\s'\"|;&\\]{4,32768}+))"
    r"[ ]{0,3}\|[ ]{0,3}(?:sudo[ ]{1,3}-S|\S{0,40}[^|\n]{0,80}--(?:password|token|passphrase|with-token|access-token)?-?(?:stdin|with-token|fd)|(?:sudo[ ]{1,3})?chpasswd|(?:sudo[ ]{1,3})?passwd|base64|gh auth|gh secret|(?:docker|podman) secret|wrangler|vercel|docker login|helm registry|vault|kinit|gpg|openssl)"
)


_FLAG = r"(?<!\S)-"


def program(scan: Scan, start: int, end: int, data: tuple[Lazy, ...]) -> int:
    """A program name: look for its password flag on the same line."""
    text = scan.text
    if (
        start
        and (text[start - 1].isalnum() or text[start - 1] in "_-.")
        and not _after_escape(text, start)
    ):
        return 0
    if end < scan.end and text[end] not in " .":
        return 0
    scan.effort += 2
    stop = min(scan.end, end + LINE_MAX)
    line = text.find("\n", end, stop)
    if line >= 0:
        stop = line
    if (
        text.find("-", end, stop) < 0
        and text.find("/", end, stop) < 0
        and text.find(" ", end + 1, stop) < 0
    ):
        return 0
    done = 0
    for expression in data:
        pattern = expression()
        at = start if pattern.pattern.startswith("wpa") else end
        for _ in range(TRIES_MAX):
            found = pattern.search(text, at, stop)
            if found is None:
                break
            noted = _note(scan, found)
            done = noted or done
            # One that is a marker was the password when it was read first, and what followed was not.
            is_one = noted or found.group(found.lastindex or 0).startswith(MARK_OPEN)
            if is_one and expression not in _SEVERAL:
                break
            if not pattern.pattern.startswith(_FLAG):
                break
            at = found.end()  # `-p 6379 -a x`: the next one
    return 0 if not done else end


def echo(scan: Scan, start: int, end: int, _data: object) -> int:
    """`echo x | docker login --password-stdin`, `--password-command "echo x"`."""
    if _ASKED().search(scan.text, max(0, start - 40), start) is not None:
        answer = _ANSWER().match(scan.text, end, min(scan.end, end + GIVEN_MAX))
        return _note(scan, answer) if answer is not None else 0
    found = _ECHO().match(scan.text, start, min(scan.end, start + GIVEN_MAX))
    return _note(scan, found) if found is not None else 0


_ASKED = lazy(
    r"(?i)(?:password|passphrase|token|secret)[-_]?(?:command|cmd|file)[= ]{1,3}\\{0,7}[\"']?(?:<\()?\Z"
)
_ANSWER = lazy(r"(?:-[neE]{1,3}[ ]{1,3})?" + _WORD.format("s"))
_STDIN_SECRET = lazy(
    r"(?i)(?:password|token|passphrase|pass)-(?:std|file |fd)|--with-token|\b(?:login|passwd|chpasswd|kinit|cryptsetup|gpg2?|ssh-add)\b"
    r"|sudo -S|secrets?[ ](?:set|put|create|add)"
)
_HERE = lazy(_WORD.format("s"))


def here_string(scan: Scan, start: int, end: int, _data: object) -> int:
    """`az devops login <<< x`: what a command is told to read as its secret."""
    text = scan.text
    scan.effort += 4
    low = max(0, start - LINE_MAX)
    begin = max(low, text.rfind("\n", low, start) + 1)
    if _STDIN_SECRET().search(text, begin, start) is None:
        return 0
    while end < scan.end and text[end] == " " and end - start < 8:
        end += 1
    found = _HERE().match(text, end, min(scan.end, end + GIVEN_MAX))
    return _note(scan, found) if found is not None else 0


def _after_escape(text: str, start: int) -> bool:
    return start >= 2 and text[start - 2] == "\\" and text[start - 1] in "nrt"


def _note_cookies(scan: Scan, found: re.Match[str]) -> int:
    done = 0
    for first, last in cookies(scan.text, *found.span(found.lastindex or 0)):
        done = scan.add(first, last, "cookie", COMMAND_LINE.id, is_cut=last >= scan.end)
    return done


def _note(scan: Scan, found: re.Match[str]) -> int:
    if found.re is _COOKIES():
        return _note_cookies(scan, found)
    for group in ("s1", "s2", "s3"):
        if group in found.re.groupindex and found.group(group):
            first, last = found.span(group)
            break
    else:
        return 0
    value = scan.text[first:last]
    if harmless.harmless_text(value, ("password",)) or value.startswith(
        ("-", "/", "./", "$", "{", "<", "=")
    ):
        return 0
    if ":" in value and found.re is _ECHO():
        first += value.index(":") + 1
        value = scan.text[first:last]
    if (
        not harmless.weight(value)
        and not (value.isalpha() and found.re is _PAIR() and len(value) >= 5)
        and not ("-" in value and len(value) >= 8)
        and not is_common_password(value)
    ):
        return 0
    return scan.add(first, last, "password", COMMAND_LINE.id, is_cut=last >= scan.end)


PROGRAM_FLAGS = Detector(
    name="programs",
    rule=COMMAND_LINE,
    literals={name + " ": patterns for name, patterns in PROGRAMS.items() if patterns},
    look=shorter(program),
    finds=("mysql -u root -p⟦PA⟧ shop", "curl -u dana:⟦PA⟧ https://example.com"),
    leaves=("mysql -u root -p shop", "docker run -p 8080:80 web"),
)
ECHOED = Detector(
    name="echoed",
    rule=COMMAND_LINE,
    literals=literals("echo ", "printf "),
    look=echo,
    finds=("echo ⟦PA⟧ | docker login --password-stdin",),
    leaves=("echo $TOKEN | docker login --password-stdin", "echo done | tee log"),
)
HERE_STRING = Detector(
    name="here-string",
    rule=COMMAND_LINE,
    literals=literals("<<<"),
    look=here_string,
    finds=("gh auth login --with-token <<< ⟦a40⟧",),
    leaves=("grep x <<< a1b2c3d4e5",),
)
