"""The single writer: what upstream shows becomes, once, a durable record.

Order, dedupe and checkpoints are decided here and nowhere else. A secret never gets past this room:
what is redacted here is what reaches the disk. It knows feeds, and no word of any system.
"""

from bridge.intake.intake import Intake
from bridge.intake.open_feed import OpenFeed

__all__ = ["Intake", "OpenFeed"]
