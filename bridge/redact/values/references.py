"""References: values that say where a secret is instead of being it.

Of shells, templates, configuration languages, secret stores: `$X`, `${{ }}`, `process.env.X`,
`vault:...`.
"""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

import re

from bridge.redact.expressions import lazy

_REFERENCE = lazy(
    r"""
    \$\{ | \$\( | \$\[\[? | \$[A-Za-z_][A-Za-z_]{0,63}(?:\b|\Z)(?![!@\#$%^&*]) | \$\d\b | \$[@*?]
  | \$[a-z]{1,12}(?:->|\[|\.|:)[A-Za-z_]
  | %[A-Za-z_][A-Za-z0-9_]{1,63}%(?:[\\/:;.,\s]|\Z) | %[sdvq](?:[\s"',)}\]]|\Z) | %\(\w{1,64}\)s | \{\{ | \{%
  | \{[A-Za-z_.][\w.\[\]'":! -]{0,80}\}
  | \#\{ | <%= | <\w[\w .:/-]{0,80}/?> | <[^>]{1,80}> | @@?[a-z]{2,20}\(|@\{ | !Ref\b | !Sub\b | !vault\b | !secret\b
  | !env\b | !!env\b | !GetAtt\b | \[\[
  | (?:process|import\.meta|Deno|Bun)\.env\b | os\.(?:environ|getenv|Getenv|LookupEnv)\b | ENV(?:\[|\.|\{)
  | (?:System|Environment)\.(?:getenv|GetEnvironmentVariable)\b | getenv\( | env\( | env\.[A-Za-z_]
  | (?:std::)?env::(?:var|args)|viper\.|config\.get|Config\.|dotenv\b|secrets\.[A-Za-z_]
  | (?:vars?|locals?|data|module|inputs?|params?|github|steps|env|values|self|this|props|args|opts
      |options|settings|config|cfg|conf|ctx|context|req|request|res|response|event|state|session|process
      |parsed|result|cls|app|ctx|user|account|store|client|payload|body|form|data|row|record|item
      |each|count|path|terraform|aws_[a-z_]{2,40}|random_[a-z_]{2,20}|azurerm_[a-z_]{2,40}
      |google_[a-z_]{2,40}|kubernetes_[a-z_]{2,40}|vault_[a-z_]{2,40})(?:\??\.|\[|->|::)\$?[A-Za-z_"'\[]
  | (?:vault|ssm|secretsmanager|keyvault|env|awssm|gcpsm|doppler|infisical|keyring|keychain|file|sops
      |aws-sm|gcp-sm|secret|secrets|ref\+?[a-z]{0,12}|azurekeyvault|parameterstore):[/\w.@+{-]
  | op://|keychain://|file://|arn:aws|arn:\$|projects/[^/]{1,64}/secrets/|/?run/secrets/
  | ENC\[|\$ANSIBLE_VAULT|\{cipher\}|\{vault\}|\{ssm|AQICA[A-Za-z0-9]|kv/|secret/data/
    """,
    re.X,
)
# References without any sign; of letters and digits alone there are no others.
_PLAIN = ("dotenv", "AQICA")


def is_reference(look: str) -> bool:
    """Does the value begin as a reference does?"""
    if look.isalnum() and look.isascii() and not look.startswith(_PLAIN):
        return False
    return _REFERENCE().match(look) is not None
