"""NDJSON files: layout on disk, the writer that survives kills and full disks, the sink."""

from bridge.outputs.sinks.files.layout import Keep, Layout
from bridge.outputs.sinks.files.sink import FileSink

__all__ = ["FileSink", "Keep", "Layout"]
