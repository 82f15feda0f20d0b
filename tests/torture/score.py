"""What was done and counted in one or several campaigns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.torture.faults import EVERY_LIFE
from tests.torture.oracle import Tally


@dataclass
class Score:
    """Sums."""

    campaigns: int = 0
    kills: int = 0
    lives: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)  # in power cuts
    counted: Counter[str] = field(default_factory=Counter)

    def add(self, tally: Tally, connects: int) -> None:
        """A campaign is over, and nothing was missing."""
        self.campaigns += 1
        self.counted.update(vars(tally), connects=connects)

    def report(self) -> Sequence[str]:
        counted = self.counted
        lives = ", ".join(f"{name} {count}" for name, count in sorted(self.lives.items()))
        missed = [str(point) for point in EVERY_LIFE if not self.points[str(point)]]
        reached = len(EVERY_LIFE) - len(missed)
        not_hit = f", not: {', '.join(missed)}" if missed else ""
        return [
            f"{sum(self.lives.values())} lives on {self.campaigns} journals: {lives}",
            f"{self.kills} kills; {reached} of {len(EVERY_LIFE)} crash points hit"
            f" ({sum(self.points.values())} times){not_hit}",
            f"{self.lost['writes']} writes and {self.lost['names']} names lost in power cuts,"
            f" {self.lost['torn']} writes torn",
            f"{counted['upstream']} events upstream, {counted['records']} records in the journals,"
            f" {counted['shown']} shown to the subscriber in {counted['connects']} connections",
            f"{counted['looks']} looks, {counted['files']} files read, {counted['torn']} torn ends,"
            " all healed",
            "0 lost, 0 twice",
        ]
