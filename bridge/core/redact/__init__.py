"""Removes secrets from events, logs and error texts. Pure: no I/O, no clock, no randomness."""

from __future__ import annotations

from bridge.core.redact.engine import Redactor
from bridge.core.redact.policy import DEFAULT_POLICY, Policy
from bridge.core.redact.rules import RULES, Rule

__all__ = ["DEFAULT_POLICY", "RULES", "Policy", "Redactor", "Rule"]
