"""mogplex-bridge: follows the runs of Mogplex agents once, and gives everybody their events."""

__version__ = "0.1.0"
