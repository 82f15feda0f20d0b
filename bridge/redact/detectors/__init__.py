"""Where may a secret stand in a text? One module a notation, one value a detector, one list.

A new notation with literals of its own is a module with a `Detector` and its line here; the
automaton, the rules, the metrics, docs/redaction-rules.md and the test of the list follow. One more
way to write a value behind a name belongs to `separators`, `reading` or `blanks`, which
`ASSIGNMENTS` calls.
Expressions are `lazy` (`bridge/redact/expressions.py`), unless ordinary events need them.
"""

from __future__ import annotations

from typing import Final

from bridge.redact.detectors.assignment import ASSIGNMENTS
from bridge.redact.detectors.auth_schemes import BASIC, BEARER
from bridge.redact.detectors.calls import SECRET_CALLS, TYPED
from bridge.redact.detectors.codes import BACKUP_CODES, PINS, TOLD_CODES
from bridge.redact.detectors.command_line import ECHOED, HERE_STRING, PROGRAM_FLAGS
from bridge.redact.detectors.detector import Detector
from bridge.redact.detectors.devices import (
    DEVICE_LINES,
    NEW_VALUES,
    PEERS,
    REGISTRY,
    SECURE_STRINGS,
    SPOKEN,
    USER_LISTS,
)
from bridge.redact.detectors.inner_marks import INNER_MARKS
from bridge.redact.detectors.key_blocks import BASE64_PEM, KEY_BEGIN, KEY_END, PUTTY
from bridge.redact.detectors.kubernetes import JSON_SECRETS, KUBERNETES_SECRETS
from bridge.redact.detectors.languages import OTHER_LANGUAGES
from bridge.redact.detectors.layouts import LAYOUTS, REDIS_AUTH
from bridge.redact.detectors.logins import BRACKETED, IDENTIFIED, LOGINS
from bridge.redact.detectors.markup import FORM_PARTS
from bridge.redact.detectors.password_hashes import PASSWORD_HASHES
from bridge.redact.detectors.printed import PRINTED
from bridge.redact.detectors.shaped import SHAPED
from bridge.redact.detectors.stored import PIPED, STORED
from bridge.redact.detectors.tokens import OWN_TOKENS, PROVIDER_TOKENS
from bridge.redact.detectors.urls import ESCAPED_USERINFO, MYSQL_DSN, ORACLE, USERINFO
from bridge.redact.detectors.wallets import (
    KEYS_NEAR,
    MNEMONICS,
    PLAIN_PHRASES,
    WALLET_ACCOUNTS,
    WALLET_CALLS,
    WALLET_LISTS,
)
from bridge.redact.detectors.web_keys import WEB_KEYS
from bridge.redact.detectors.web_tokens import PASETO, WEB_TOKENS
from bridge.redact.detectors.webhooks import WEBHOOK_PATHS

# In this order they are asked where their literals are the same.
DETECTORS: Final[tuple[Detector, ...]] = (
    ASSIGNMENTS,
    OWN_TOKENS,
    PROVIDER_TOKENS,
    KEY_BEGIN,
    KEY_END,
    PUTTY,
    BASE64_PEM,
    WEB_TOKENS,
    PASETO,
    WEB_KEYS,
    USERINFO,
    BEARER,
    BASIC,
    SECRET_CALLS,
    PASSWORD_HASHES,
    LAYOUTS,
    PRINTED,
    WEBHOOK_PATHS,
    INNER_MARKS,
    SHAPED,
    REDIS_AUTH,
    KUBERNETES_SECRETS,
    PROGRAM_FLAGS,
    ECHOED,
    HERE_STRING,
    ESCAPED_USERINFO,
    MYSQL_DSN,
    ORACLE,
    STORED,
    PIPED,
    MNEMONICS,
    WALLET_ACCOUNTS,
    WALLET_CALLS,
    WALLET_LISTS,
    BACKUP_CODES,
    PINS,
    TOLD_CODES,
    LOGINS,
    IDENTIFIED,
    BRACKETED,
    OTHER_LANGUAGES,
    FORM_PARTS,
    TYPED,
    DEVICE_LINES,
    USER_LISTS,
    PEERS,
    SECURE_STRINGS,
    REGISTRY,
    NEW_VALUES,
    SPOKEN,
    PLAIN_PHRASES,
    KEYS_NEAR,
    JSON_SECRETS,
)
