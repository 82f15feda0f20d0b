"""What a rule is, and the rules that several detectors share or that read a tree."""

from __future__ import annotations

from typing import Final, NamedTuple


class Rule(NamedTuple):
    """One way to find a secret. `id` is stable: it stands in metrics and in `off`."""

    id: str
    what: str


ASSIGNMENT: Final = Rule("assignment", "name and value in a text, in any notation")
COMMAND_LINE: Final = Rule("command-line", "passwords of known programs on a command line")
AUTH_SCHEME: Final = Rule("auth-scheme", "Authorization headers, Bearer and Basic credentials")
COOKIE: Final = Rule("cookie", "Cookie and Set-Cookie headers in a text")
PROVIDER_TOKEN: Final = Rule("provider-token", "tokens of other providers, by prefix and length")

# Of the tree, not of a text: no detector fires them.
KEY_NAME: Final = Rule("key-name", "the value of an object member whose name says what it is")
ENV: Final = Rule("env", "values of an environment map or list")
ARGV: Final = Rule("argv", "the value behind a flag in a list of arguments")
ECHO: Final = Rule("echo", "a secret found elsewhere in the same event")
POLICY_KEY: Final = Rule("policy-key", "keys named by [redaction] keys")
POLICY_PATTERN: Final = Rule("policy-pattern", "patterns of [redaction] patterns")
UNSCANNED: Final = Rule("unscanned", "text or structure beyond the limits of a scan")
OF_THE_TREE: Final = (KEY_NAME, ENV, ARGV)
OF_THE_ENGINE: Final = (ECHO, POLICY_KEY, POLICY_PATTERN, UNSCANNED)
