"""`top`: shows a running bridge."""

from bridge.cli.top.command import top

__all__ = ["top"]
