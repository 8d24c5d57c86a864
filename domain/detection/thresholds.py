"""When something counts as not normal. All times are seconds of record time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The knobs of detection, with defaults that keep a healthy log silent."""

    window: float = 600.0
    """Occurrences further apart than this are not counted together."""
    unexplained_errors: int = 3
    """How often an error no rule knows must occur before it is an anomaly."""
    symptoms: int = 3
    """How often the mere effect of a failure must occur."""
    server_errors: int = 5
    """HTTP answers of 500 and above before their share is looked at."""
    server_error_share: float = 0.05
    """Share of all answers, from which on server errors are an anomaly."""
    baseline_records: int = 200
    """Records a source must have written before a warning never seen before is news."""
    opening_score: float = 0.6
    """An anomaly with at least this score opens an incident."""
    together: float = 120.0
    """Anomalies further apart than this do not belong to one incident."""
