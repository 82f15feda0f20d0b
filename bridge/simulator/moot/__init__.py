"""The moot API, simulated (contracts.md 2; where that is silent, docs/simulator.md says so)."""
