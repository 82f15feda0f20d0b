"""The metrics of the bridge.

Labels come from closed sets, so the number of series does not grow with runs; an unknown word of
upstream counts as `other`. A run id is never a label: histograms and failure counters carry it as
an exemplar (OpenMetrics only). `python -m bridge.metrics` prints docs/metrics.md.
"""

from bridge.metrics.declaring import PREFIX
from bridge.metrics.metrics import Metrics
from bridge.metrics.words import OK, OTHER

__all__ = ["OK", "OTHER", "PREFIX", "Metrics"]
