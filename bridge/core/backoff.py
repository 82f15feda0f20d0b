"""How long to wait after failures in a row (common.md 0.3)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Doubling waits with a cap.

    Invariant: full/2 <= wait <= full, where full = min(cap_s, base_s * 2**failures), and never
    below the wait that the server demanded.
    """

    base_s: float = 1.0
    cap_s: float = 30.0
    failures: int = 0

    def after_failure(self, *, jitter: float, hint_s: float | None = None) -> float:
        """Return the next wait.

        Args:
            jitter: A number in [0, 1), drawn by the caller.
            hint_s: The wait that the server demanded, seconds.

        Returns:
            Seconds.
        """
        full_s = min(self.cap_s, self.base_s * 2.0 ** min(self.failures, 16))
        self.failures += 1
        return max(full_s * (1.0 - jitter / 2.0), hint_s or 0.0)

    def reset(self) -> None:
        """Forget earlier failures, after a success."""
        self.failures = 0
