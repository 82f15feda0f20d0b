"""NDJSON files: layout on disk, the writer that survives kills and full disks, the target."""

from bridge.outputs.sinks.files.layout import Keep, Layout
from bridge.outputs.sinks.files.target import FileTarget

__all__ = ["FileTarget", "Keep", "Layout"]
