"""moot: spaces in which people and agents write events (docs/contracts/moot.md)."""
