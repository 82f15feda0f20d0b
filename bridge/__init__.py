"""mogplex-bridge: follow the runs of Mogplex agents once, give everybody their events."""

__version__ = "0.1.0"
