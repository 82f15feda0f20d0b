"""Settings: one TOML file, environment and flags in; one frozen, checked value out.

The only room that knows where a setting comes from. Everybody else gets plain numbers from the
daemon.
"""

from __future__ import annotations

from bridge.config.accounts import ResolvedAccount, resolve_accounts
from bridge.config.effective import flat
from bridge.config.load import Loaded, SettingsError, load, load_settings
from bridge.config.model import Settings
from bridge.config.tokens import TokenProvider

__all__ = [
    "Loaded",
    "ResolvedAccount",
    "Settings",
    "SettingsError",
    "TokenProvider",
    "flat",
    "load",
    "load_settings",
    "resolve_accounts",
]
