"""Where records are kept: one port, several engines."""
