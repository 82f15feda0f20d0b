"""The published types of the records that the bridge makes itself, as texts: not taken from it."""

from __future__ import annotations

RUN_STATUS = "com.mogplex.run.status"
RUN_ENDED = "bridge.run.ended"
GAP = "bridge.gap"
FOLLOW_FAILED = "bridge.follow.failed"
