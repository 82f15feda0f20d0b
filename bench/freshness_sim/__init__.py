"""A discrete-event world for `bench.freshness`: traces, server, other policies, an oracle."""
