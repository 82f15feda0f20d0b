"""Verdicts on key names, remembered: the built-in classifier, and the globs of a policy before it."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

import fnmatch
import re
from typing import Final

from bridge.core.errors import ConfigError
from bridge.redact.names.classifier import ENV, FORCED, NONE, PLAIN, Verdict, classify
from bridge.redact.policy import EXTRA_KEYS_MAX, Policy

CACHE_MAX: Final = 8192  # names remembered; events repeat some hundred
CACHED_NAME_MAX: Final = 96  # characters; a longer one is no name

_BETWEEN = re.compile(r"[\s_.\-]")


class Names:
    """`verdict` of a name under one policy. The cache is bounded and holds names only."""

    def __init__(self, policy: Policy) -> None:
        if len(policy.keys) > EXTRA_KEYS_MAX:
            raise ConfigError(f"redaction.keys: more than {EXTRA_KEYS_MAX}: use globs")
        self._globs = tuple(re.compile(fnmatch.translate(plain(glob))) for glob in policy.keys)
        self._off_forced = "policy-key" in policy.off
        self.known: dict[str, Verdict] = {}

    def verdict(self, name: str) -> Verdict:
        """Return what the name says, from memory if it was asked before."""
        known = self.known.get(name)
        if known is not None:
            return known
        verdict = self._judge(name)
        if len(name) <= CACHED_NAME_MAX:
            if len(self.known) >= CACHE_MAX:
                self.known.clear()
            self.known[name] = verdict
        return verdict

    def _judge(self, name: str) -> Verdict:
        if self._globs and not self._off_forced and len(name) <= CACHED_NAME_MAX:
            bare = plain(name)
            if any(glob.match(bare) for glob in self._globs):
                return Verdict(FORCED, "secret")
        return classify(name)


def plain(name: str) -> str:
    """The name without case and separators: `X-Internal_Id` and `xInternalId` are one."""
    return _BETWEEN.sub("", name).lower()


__all__ = ["ENV", "NONE", "PLAIN", "Names", "plain"]
