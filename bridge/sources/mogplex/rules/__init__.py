"""The rules about what Mogplex shows of a run. Pure: no I/O, no clock."""
