"""Severity counts of a chunk header, whatever names its writer gave the ranges."""

from collections.abc import Mapping

from domain.logs.record import ERROR, SEVERITY_NAMES, WARN, severity_name

_NUMBERS = {name: number for number, name in SEVERITY_NAMES.items()}


def by_name(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts by range name (`error`), lowest severity first; keys may be numbers or names."""
    named: dict[str, int] = {}
    for key, count in counts.items():
        name = severity_name(number_of(key))
        named[name] = named.get(name, 0) + count
    return dict(sorted(named.items(), key=lambda item: _NUMBERS[item[0]]))


def number_of(key: str) -> int:
    """The severity number a key stands for. Raises ValueError for what is neither."""
    if key.isdigit():
        return int(key)
    try:
        return _NUMBERS[key.lower()]
    except KeyError:
        raise ValueError(f"{key!r} is no severity: neither a number nor a range's name") from None


def highest(counts: Mapping[str, int]) -> int:
    """The highest severity number among the keys that count anything, 0 where there is none."""
    return max((number_of(key) for key, count in counts.items() if count), default=0)


def errors_and_warnings(counts: Mapping[str, int]) -> tuple[int, int]:
    """How many are of severity error and above, and how many are warnings."""
    errors = warnings = 0
    for key, count in counts.items():
        number = number_of(key)
        if number >= ERROR:
            errors += count
        elif number >= WARN:
            warnings += count
    return errors, warnings
