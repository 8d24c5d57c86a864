"""How the records of a chunk fall into minutes and hours, judged by its header alone."""

from collections import Counter
from collections.abc import Mapping

MINUTE = 60 * 1_000_000_000
HOUR = 60 * MINUTE
"""Nanoseconds."""

GRAINS = {"minute": MINUTE, "hour": HOUR}


def spread(first_time: int, last_time: int, count: int, width: int) -> dict[int, int]:
    """Bucket start to records, for `count` records from `first_time` to `last_time`.

    A header has the range and not each time, so records count as evenly spaced: exact for a chunk
    that lies within one bucket, as live ones nearly always do, and for an old file's a chunk's
    length off at most.
    """
    first, last = first_time // width, last_time // width
    if first >= last:
        return {first * width: count}
    span = last_time - first_time
    # the middle of each record's share, in whole numbers: the same on every machine
    places = ((first_time + span * (2 * n + 1) // (2 * count)) // width for n in range(count))
    return {bucket * width: found for bucket, found in Counter(places).items()}


def rows(
    source: str, first_time: int, last_time: int, severities: Mapping[str, int]
) -> list[dict[str, object]]:
    """The rows of both grains that a chunk adds to."""
    return [
        {"grain": grain, "time": time, "source": source, "severity": severity, "count": count}
        for grain, width in GRAINS.items()
        for severity, total in severities.items()
        if total > 0
        for time, count in sorted(spread(first_time, last_time, total, width).items())
    ]
