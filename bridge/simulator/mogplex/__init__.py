"""The Mogplex API, simulated (contracts.md 1)."""
