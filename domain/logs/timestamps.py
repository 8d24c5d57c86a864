"""Reading timestamps of log headers: nanoseconds since 1970, UTC.

A naive time is UTC. A time without a year belongs to the year that puts it nearest before the
observed time. Times outside 1970 to 2261 do not fit 64 bits of nanoseconds and count as unread.
"""

import re
from datetime import UTC, date, datetime, timedelta

SECOND = 1_000_000_000
DAY = 86_400 * SECOND

_MONTHS = {
    name: number
    for number, name in enumerate(
        "jan feb mar apr may jun jul aug sep oct nov dec".split(),  # noqa: SIM905 - reads better
        start=1,
    )
}
_ZONES = {
    "": 0, "Z": 0, "z": 0, "UTC": 0, "GMT": 0, "WET": 0, "CET": 3600, "CEST": 7200, "BST": 3600,
    "WEST": 3600, "EET": 7200, "EEST": 10800, "MSK": 10800, "IST": 19800, "JST": 32400,
    "KST": 32400, "HKT": 28800, "SGT": 28800, "AEST": 36000, "AEDT": 39600, "EST": -18000,
    "EDT": -14400, "CST": -21600, "CDT": -18000, "MST": -25200, "MDT": -21600, "PST": -28800,
    "PDT": -25200,
}  # fmt: skip
"""Abbreviations as people who write logs mean them (CST and IST are ambiguous in the world)."""

_MON = r"(?P<mon>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_HMS = r"(?P<h>\d{1,2})[:.](?P<mi>\d\d)[:.](?P<s>\d\d)"
_TAIL = r"(?:[.,:](?P<f>\d{1,9})\d{0,6})?(?: ?(?P<z>Z|z|(?![AP]M)[A-Z]{2,4}|[+-]\d\d(?::?\d\d)?))?"
_CLOCK = r"(?P<h>\d\d):?(?P<mi>\d\d):?(?P<s>\d\d)"
_HALF = r"(?: ?(?P<ap>[AaPp][Mm]))?"
_LAYOUTS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?P<y>\d{{4}})[-/.](?P<mo>\d\d?)[-/.](?P<d>\d\d?)[Tt _-] ?{_HMS}{_TAIL}",
        rf"(?P<d>\d\d?)[/ -]{_MON}[/ -](?P<y>\d{{4}})(?:[: ]|::){_HMS}{_TAIL}",
        rf"(?:[A-Z][a-z]{{2}},? )?{_MON} {{1,2}}(?P<d>\d\d?) {_HMS}{_TAIL}(?: (?P<y>\d{{4}}))?",
        rf"{_MON} {{1,2}}(?P<d>\d\d?),? (?P<y>\d{{4}}),? {_HMS}{_TAIL}(?: ?(?P<ap>[AaPp][Mm]))?",
        rf"(?P<y>\d{{4}})(?P<mo>\d\d)(?P<d>\d\d)[T_ -]?{_CLOCK}{_TAIL}",
        r"(?P<y>\d{4})(?P<mo>\d\d)(?P<d>\d\d)-(?P<h>\d\d?):(?P<mi>\d\d?):(?P<s>\d\d?):(?P<f>\d{1,3})",
        rf"(?P<y2>\d\d)/?(?P<mo>\d\d)/?(?P<d>\d\d) +(?P<h>\d\d?):?(?P<mi>\d\d):?(?P<s>\d\d){_TAIL}",
        rf"(?P<mo>\d\d)[-./]?(?P<d>\d\d) {_HMS}{_TAIL}",
        rf"(?P<a>\d\d?)(?P<sep>[./-])(?P<b>\d\d?)[./-](?P<y>\d{{4}}),? {_HMS}{_TAIL}{_HALF}",
        rf"(?P<h>\d\d):(?P<mi>\d\d):(?P<s>\d\d){_TAIL}",
        r"(?P<h>\d\d?):(?P<mi>\d\d)(?P<ap>[AaPp][Mm])",
    )
)
_SCALES = tuple(10 ** (9 - length) for length in range(10))
_EPOCH = re.compile(r"(?P<n>\d{9,19})(?:\.(?P<f>\d{1,9})\d{0,6})?")
_QUICK = re.compile(
    r"(\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(?: ?(?:Z|UTC|[+-]00:?00))?"
)


class TimestampReader:
    """Reads timestamps of one source; remembers the layout and the second it saw last."""

    __slots__ = ("_last", "_second", "_second_text", "_text", "_value")

    def __init__(self) -> None:
        self._last = _LAYOUTS[0]
        self._second_text = ""
        self._second = 0
        self._text = ""
        self._value: int | None = None

    def read(self, text: str, observed: int) -> int | None:
        """Nanoseconds since 1970 of a timestamp text; None where it is none.

        observed: when the text was read (nanoseconds), which gives years and dates left out.
        """
        if not text.isascii():  # \d matches the digits of every script
            return None
        quick = _QUICK.fullmatch(text)
        if quick is not None:
            second_text, fraction = quick.groups()
            if second_text != self._second_text:
                second = _utc_seconds(
                    int(text[:4]), int(text[5:7]), int(text[8:10]),
                    (int(text[11:13]), int(text[14:16]), int(text[17:19])),
                )  # fmt: skip
                if second is None:
                    return None
                self._second_text, self._second = second_text, second * SECOND
            return self._second + _fraction(fraction)
        if text != self._text:  # many headers have whole seconds, so they repeat
            self._text, self._value = text, self._read_any(text, observed)
        return self._value

    def _read_any(self, text: str, observed: int) -> int | None:
        if len(text) > 64:
            return None
        match = self._last.fullmatch(text)
        if match is not None:
            return _instant(match, observed)
        epoch = _EPOCH.fullmatch(text)
        if epoch is not None:
            return epoch_ns(int(epoch["n"]), epoch["f"])
        for layout in _LAYOUTS:
            match = layout.fullmatch(text)
            if match is not None:
                instant = _instant(match, observed)
                if instant is not None:
                    self._last = layout
                    return instant
        return None


def epoch_ns(number: int, fraction: str | None = None) -> int | None:
    """Nanoseconds of an epoch in s, ms, us or ns, told apart by its magnitude; None if absurd."""
    for digits, scale in ((11, SECOND), (14, 1_000_000), (17, 1_000), (20, 1)):
        if number < 10 ** (digits - 1) or digits == 20:
            value = number * scale
            if fraction:
                value += _fraction(fraction) * scale // SECOND
            return value if 0 <= value < 2**63 else None
    return None


def iso_utc(nanoseconds: int) -> str:
    """`2026-11-23T13:55:48.555000000Z`, for people."""
    seconds, rest = divmod(nanoseconds, SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def _fraction(digits: str | None) -> int:
    return int(digits) * _SCALES[len(digits)] if digits else 0


def _utc_seconds(year: int, month: int, day: int, clock: tuple[int, int, int]) -> int | None:
    hour, minute, second = clock
    if not 1970 <= year <= 2261 or hour > 23 or minute > 59 or second > 60:
        return None
    try:
        days = date(year, month, day).toordinal() - 719_163  # 1970-01-01
    except ValueError:
        return None
    return ((days * 24 + hour) * 60 + minute) * 60 + second


def _instant(match: re.Match[str], observed: int) -> int | None:
    found = match.groupdict()
    offset = _offset(found.get("z") or "")
    if offset is None:
        return None
    clock = (_hour(int(found["h"]), found.get("ap")), int(found["mi"]), int(found.get("s") or 0))
    fraction = _fraction(found.get("f")) - offset * SECOND
    month, day = _month_and_day(found)
    year = found.get("y")
    if year or found.get("y2"):
        seconds = _utc_seconds(int(year) if year else 2000 + int(found["y2"]), month, day, clock)
        return None if seconds is None else max(0, seconds * SECOND + fraction)
    return _without_year(month, day, clock, fraction, observed)


def _month_and_day(found: dict[str, str]) -> tuple[int, int]:
    if found.get("a"):  # 23.11.2026 is day first; 11/23/2026 is month first where it can be
        first, second = int(found["a"]), int(found["b"])
        if found["sep"] == "/" and first <= 12:
            return first, second
        return second, first
    if found.get("mon"):
        return _MONTHS[found["mon"].lower()], int(found["d"])
    return int(found.get("mo") or 0), int(found.get("d") or 0)


def _without_year(
    month: int, day: int, clock: tuple[int, int, int], fraction: int, observed: int
) -> int | None:
    now = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=max(0, observed) // SECOND)
    if month == 0:
        month, day = now.month, now.day
    # A clock may be a day ahead; beyond that the line is from last year. 29 February may need
    # going back to the last leap year.
    for year in range(now.year + 1, now.year - 8, -1):
        seconds = _utc_seconds(year, month, day, clock)
        if seconds is not None and seconds * SECOND + fraction <= observed + DAY:
            return max(0, seconds * SECOND + fraction)
    return None


def _hour(hour: int, half: str | None) -> int:
    if not half:
        return hour
    return hour % 12 + (12 if half.lower() == "pm" else 0)


def _offset(zone: str) -> int | None:
    """Seconds east of UTC; None for a word that is no zone."""
    known = _ZONES.get(zone)
    if known is not None or zone[0] not in "+-":
        return known
    digits = zone[1:].replace(":", "").ljust(4, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if zone[0] == "-" else seconds
