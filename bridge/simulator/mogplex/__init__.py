"""The Mogplex API, simulated (mogplex.md)."""
