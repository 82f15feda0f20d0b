"""The rules by id: a closed, small set, usable as the values of a metric label."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from bridge.core.errors import ConfigError


class Rule(NamedTuple):
    """One way to find a secret. `id` is stable: it stands in metrics and in `off`."""

    id: str
    what: str


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.id: rule
        for rule in (
            Rule("key-name", "the value of an object member whose name says what it is"),
            Rule("env", "values of an environment map or list"),
            Rule("argv", "the value behind a flag in a list of arguments"),
            Rule("assignment", "name and value in a text, in any notation"),
            Rule("command-line", "passwords of known programs on a command line"),
            Rule("auth-scheme", "Authorization headers, Bearer and Basic credentials"),
            Rule("cookie", "Cookie and Set-Cookie headers in a text"),
            Rule("url-userinfo", "user:password@ in a URL or connection string"),
            Rule("webhook", "secret paths of known webhook hosts"),
            Rule("own-token", "tokens of Mogplex, moot and MIOSA"),
            Rule("provider-token", "tokens of other providers, by prefix and length"),
            Rule("jwt", "JSON web tokens"),
            Rule("pem", "private key blocks"),
            Rule("jwk", "private members of JSON web keys"),
            Rule("echo", "a secret found elsewhere in the same event"),
            Rule("policy-key", "keys named by [redaction] keys"),
            Rule("policy-pattern", "patterns of [redaction] patterns"),
            Rule("unscanned", "text or structure beyond the limits of a scan"),
        )
    }
)


def check_off(off: Iterable[str]) -> None:
    """Raises ConfigError for a rule that does not exist."""
    for rule in sorted(off):
        if rule not in RULES:
            close = difflib.get_close_matches(rule, RULES, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(RULES)}"
            raise ConfigError(f"redaction.off: no rule {rule!r}; {hint}")
