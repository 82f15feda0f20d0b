"""Removes secrets from events, logs and error texts. Pure: no I/O, no clock, no randomness."""

from __future__ import annotations

from bridge.redact.engine import Redactor
from bridge.redact.memory import Memory
from bridge.redact.policy import DEFAULT_POLICY, Policy
from bridge.redact.rule import Rule
from bridge.redact.rules import RULES
from bridge.redact.scanner import EVENT_CHARS_MAX

__all__ = ["DEFAULT_POLICY", "EVENT_CHARS_MAX", "RULES", "Memory", "Policy", "Redactor", "Rule"]
