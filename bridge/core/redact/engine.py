"""The redactor: first cut by key names and by this vendor's own tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bridge.core.redact.policy import DEFAULT_POLICY, Policy

_UNTOUCHED = frozenset({"id", "type", "createdAt", "created_at"})
_DEPTH_MAX = 100
_OWN = re.compile(
    r"(?<![A-Za-z0-9])(?:mog_[A-Za-z0-9]{16,128}"
    r"|(?:msk|convo|sset|mootup_pat)_[A-Za-z0-9_-]{12,128})"
)
_SECRET_KEY = re.compile(
    r"(?i)(?:^|[_.\- ])(?:password|passwd|secret|token|authorization|cookie|credentials?|jwt"
    r"|passphrase|(?:api|access|private|signing|encryption)[_.\- ]?key)$"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Redactor:
    """Replaces secrets by `[REDACTED:<kind>]`. Not shared between threads."""

    def __init__(self, policy: Policy = DEFAULT_POLICY) -> None:
        self._policy = policy
        self._counts: dict[str, int] = {}
        self._key_cache: dict[str, bool] = {}

    def value(self, obj: Any) -> Any:
        """Return a redacted copy of a JSON value; the same object when nothing was found."""
        return self._walk(obj, 0)

    def event(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return a redacted copy of an upstream event; id, type and times pass untouched."""
        return {
            key: value if key in _UNTOUCHED else self._member(key, value, 0)
            for key, value in data.items()
        }

    def text(self, s: str) -> str:
        """Return the text with every secret replaced."""
        found, count = _OWN.subn("[REDACTED:token]", s)
        if count:
            self._count("token", count)
            return found
        return s

    def take_counts(self) -> dict[str, int]:
        """Return replacements by rule since the last call."""
        counts, self._counts = self._counts, {}
        return counts

    def _count(self, rule: str, n: int = 1) -> None:
        self._counts[rule] = self._counts.get(rule, 0) + n

    def _member(self, key: str, value: Any, depth: int) -> Any:
        if isinstance(value, str) and value and self._is_secret_key(key):
            self._count("key")
            return value if value.startswith("[REDACTED") else "[REDACTED:secret]"
        return self._walk(value, depth + 1)

    def _walk(self, obj: Any, depth: int) -> Any:
        if isinstance(obj, str):
            return self.text(obj)
        if depth > _DEPTH_MAX:
            return "[REDACTED:unscanned]"
        if isinstance(obj, dict):
            return {self.text(k): self._member(k, v, depth) for k, v in obj.items()}
        if isinstance(obj, list):
            return [self._walk(v, depth + 1) for v in obj]
        return obj

    def _is_secret_key(self, key: str) -> bool:
        known = self._key_cache.get(key)
        if known is None:
            if len(self._key_cache) > 4096:
                self._key_cache.clear()
            known = _SECRET_KEY.search(_CAMEL.sub("_", key[:128])) is not None
            self._key_cache[key] = known
        return known
