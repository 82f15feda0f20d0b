"""Which settings an output has: those of its kind, told by `type`."""

from __future__ import annotations

from typing import Annotated

from bridge.config.choices import OUTPUT
from bridge.outputs.sinks.settings import OutputSection

AnyOutput = Annotated[OutputSection, OUTPUT]
