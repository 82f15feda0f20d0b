"""The pure rules of a space's follow. No I/O and no clock: callers pass instants."""
