"""`top`: a running bridge at a glance."""

from bridge.cli.top.command import top

__all__ = ["top"]
