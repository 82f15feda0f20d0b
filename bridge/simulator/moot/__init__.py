"""The moot API, simulated (moot.md; where that is silent, docs/simulator-moot.md says so)."""
