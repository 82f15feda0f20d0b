"""The moot API, simulated (moot.md; where that is silent, docs/simulator.md says so)."""
