"""The kind of output that `type = "ndjson"` is: a file, or stdout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Final, Literal

from pydantic import Field

from bridge.clock import Clock
from bridge.outputs.sinks.oserrors import OS_REASONS
from bridge.outputs.sinks.port import Target
from bridge.outputs.sinks.settings import OutputSection
from bridge.schema.section import Section
from bridge.schema.values import Duration, FilePath, Size

STDOUT: Final = "-"  # as a path


class Rotate(Section):
    """When to start a new file; the first condition that is met applies."""

    bytes: Size | None = Field(
        default=None, description="At this size; omitted: at any size.", examples=["100MiB"]
    )
    every: Duration | None = Field(
        default=None, description="After this time; omitted: at any age.", examples=["1d"]
    )


class Keep(Section):
    """Which finished files are kept; a file that exceeds any limit is deleted."""

    files: int | None = Field(
        default=None, ge=1, description="Maximum number of files; omitted: no limit.", examples=[14]
    )
    age: Duration | None = Field(
        default=None, description="Maximum age; omitted: no limit.", examples=["30d"]
    )
    bytes: Size | None = Field(
        default=None, description="Maximum total size; omitted: no limit.", examples=["10GiB"]
    )


class NdjsonOutput(OutputSection):
    """One NDJSON file (or stdout) with its own filter and its own position in the journal."""

    name_key: ClassVar[str] = "path"
    reasons: ClassVar[Sequence[str]] = OS_REASONS

    type: Literal["ndjson"] = Field(default="ndjson", description="Kind of output.")
    path: FilePath = Field(
        description='The file; "-" is stdout.', examples=["/var/log/mogplex-bridge/events.ndjson"]
    )
    naming: Literal["numbered", "fixed"] = Field(
        default="numbered",
        description='"numbered" adds .000001 and never renames; "fixed" renames on rotation.',
    )
    rotate: Rotate = Field(default=Rotate(), description="When a new file is begun.")
    keep: Keep = Field(default=Keep(), description="Which finished files are kept.")
    compress: Literal["none", "gzip", "zstd"] = Field(
        default="none", description="Compression of finished files.", examples=["zstd"]
    )
    fsync: Literal["never", "interval", "always"] = Field(
        default="interval",
        description="Sync lines to disk: never, once a second, or before each is acknowledged.",
    )

    @property
    def name(self) -> str:
        """See `OutputSection.name`."""
        return "stdout" if self.path == STDOUT else self.path

    @property
    def file(self) -> str | None:
        """See `OutputSection.file`."""
        return None if self.path == STDOUT else self.path

    def target(self, clock: Clock) -> Target:
        """See `OutputSection.target`."""
        from bridge.outputs.sinks.files import FileTarget, Layout  # noqa: PLC0415 - see there
        from bridge.outputs.sinks.files import Keep as KeepFiles  # noqa: PLC0415
        from bridge.outputs.sinks.stdout import PipeTarget  # noqa: PLC0415

        if self.file is None:
            return PipeTarget()
        layout = Layout(
            Path(self.file).expanduser(),
            naming=self.naming,
            rotate_bytes=self.rotate.bytes,
            rotate_every_s=self.rotate.every,
            keep=KeepFiles(files=self.keep.files, age_s=self.keep.age, bytes=self.keep.bytes),
            compress=self.compress,
            fsync=self.fsync,
        )
        return FileTarget(layout, clock)

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """See `OutputSection.problems`."""
        if self.file is None:
            for key in ("naming", "rotate", "keep", "compress", "fsync"):
                if key in self.model_fields_set:
                    yield (key,), 'has no meaning for stdout (path = "-")'
        for key in ("bytes", "every"):
            if getattr(self.rotate, key) == 0:
                yield ("rotate", key), "must be above 0; leave it out to not rotate by it"
