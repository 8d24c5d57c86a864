"""Whether the numbers a claim states stand in the evidence.

A model that invents a cause invents its figures too: a port, a status, an exit code, a size.
What is not checked, and why:
- numbers of one or two digits: they are mostly counts a reader makes ("two of three replicas"),
  clock parts, or parts of names (HTTP/2, TLS 1.3); chance hits in the evidence would be the rule,
  so checking them proves nothing;
- the years the evidence's own timestamps fall in: syslog and others write none;
- digits inside a name (`node7123`, `i-0ab12`): these are names, not figures.
A percentage is checked whatever its size: "100 % full" is a measurement.
Units may be converted (300000 ms -> 300 s, 2147483648 bytes -> 2 GiB) and decimals rounded.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from domain.detection.anomaly import Line

_CLAIMED = re.compile(
    r"(?<![\w.,:/#-])(\d{1,15}(?:[,\u202f]\d{3})*(?:\.\d{1,6})?)(\s?%)?(?![\w]*\d)"
)
_PRESENT = re.compile(r"\d{1,15}(?:\.\d{1,6})?")
_SCALES = (1.0, 1e3, 1e6, 1e9, 1024.0, 1024.0**2, 1024.0**3, 60.0, 3600.0)
_EDGES = "\"'`()[]{}<>.,;:!?*"
_EVIDENCE_AT_MOST = 4_000_000


def ungrounded_numbers(
    claim: str, lines: Mapping[str, Line], known_facts: Iterable[str] = ()
) -> list[str]:
    """Figures of the claim that stand neither in the lines nor in `known_facts`."""
    claimed = [
        (m[1], bool(m[2])) for m in _CLAIMED.finditer(claim) if _worth_checking(m[1], bool(m[2]))
    ]
    if not claimed:
        return []
    evidence = "\n".join(
        [*known_facts, *(f"{line.text}\n{line.original}" for line in lines.values())]
    )
    evidence = evidence[:_EVIDENCE_AT_MOST].casefold()
    words = {w.strip(_EDGES) for w in claim.casefold().split()}
    shown = " ".join(word for word in words if any(c.isdigit() for c in word) and word in evidence)
    years = {str(datetime.fromtimestamp(line.time / 1e9, UTC).year) for line in lines.values()}
    present = {float(number) for number in _PRESENT.findall(evidence)}
    return [
        number + (" %" if percent else "")
        for number, percent in dict.fromkeys(claimed)
        if number not in years and number not in shown and not _occurs(number, present)
    ]


def _worth_checking(number: str, percent: bool) -> bool:
    return percent or sum(c.isdigit() for c in number) >= 3


def _occurs(number: str, present: set[float]) -> bool:
    plain = number.replace(",", "").replace("\u202f", "")
    value = float(plain)
    if value in present:
        return True
    decimals = len(plain.partition(".")[2])
    return any(round(other / scale, decimals) == value for other in present for scale in _SCALES)
