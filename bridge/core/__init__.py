"""The rules of the bridge. Pure: no I/O, no clock, no randomness, standard library only."""
