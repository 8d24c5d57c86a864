"""Rates against a threshold: the share of server errors among the answers of an access log."""

from collections import Counter
from collections.abc import Sequence

from domain.detection.thresholds import Thresholds
from domain.logs.record import LogRecord, StoredRecord

STATUS = "http.response.status_code"
METHOD = "http.request.method"


def is_access_record(record: LogRecord) -> bool:
    """Whether a record only says how a request was answered: its status is all it has to tell."""
    attributes = record.attributes
    return STATUS in attributes and METHOD in attributes and "exception.type" not in attributes


class ServerErrorRate:
    """Counts answers of one source over a window of record time."""

    def __init__(self, thresholds: Thresholds) -> None:
        self._limits = thresholds
        self._since = 0
        self._answers = 0
        self._errors = 0
        self._reported = 0
        self.statuses: Counter[str] = Counter()
        """Server errors by status."""
        self.last_time = 0

    def count(self, window: Sequence[StoredRecord], start: int) -> int | None:
        """Take in the records from `start` on.

        Returns the index of the first server error among them when there is something new to
        tell: the threshold is passed for the first time, or the errors have doubled since.
        """
        first: int | None = None
        for index in range(start, len(window)):
            record = window[index].record
            status = record.attributes.get(STATUS)
            if not isinstance(status, int):
                continue
            # Either way: one record of a wrong clock must not hold the window open for ever.
            if abs(record.time - self._since) > self._limits.window * 1e9:
                self._since, self._answers, self._errors, self._reported = record.time, 0, 0, 0
                self.statuses.clear()
            self._answers += 1
            if status >= 500:
                self._errors += 1
                self.statuses[str(status)] += 1
                self.last_time = max(self.last_time, record.time)
                first = index if first is None else first
        needed = max(self._limits.server_errors, self._reported * 2)
        return (
            first
            if self._errors >= needed and self._share >= self._limits.server_error_share
            else None
        )

    @property
    def _share(self) -> float:
        return self._errors / self._answers if self._answers else 0.0

    @property
    def reason(self) -> str:
        """The numbers behind the anomaly."""
        return (
            f"{self._errors} of {self._answers} answers are server errors "
            f"({self._share:.0%}, threshold {self._limits.server_error_share:.0%}; "
            f"{', '.join(f'HTTP {s}: {n} times' for s, n in self.statuses.most_common())})"
        )

    def fresh(self) -> int:
        """Server errors not told before; they count as told from now on."""
        fresh, self._reported = self._errors - self._reported, self._errors
        return fresh
