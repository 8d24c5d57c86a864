"""Names for sources that senders over the network choose: that strangers choose."""

import re
from functools import lru_cache

from domain.logs.redaction import Redactor

MAX_SOURCES = 500
"""Sources one way of sending may open in a run; what comes from more shares one source."""

_UNFIT = re.compile(r"[^A-Za-z0-9._@+-]+")
_MAX_PART = 60


@lru_cache(maxsize=4096)
def source_name(kind: str, *parts: str) -> str:
    """`syslog`, `web1`, `sshd` -> `syslog-web1-sshd`; at most 160 characters of a harmless kind."""
    fit = (_part(part) for part in parts)
    return "-".join([kind, *(part for part in fit if part)])[:160]


_REDACTOR = Redactor()


def _part(text: str) -> str:
    name = _UNFIT.sub("_", _REDACTOR.redact(text[: 4 * _MAX_PART]))
    return re.sub(r"\.{2,}", ".", name).strip("._-")[:_MAX_PART]


class SourceNames:
    """The source names of one way of sending, bounded in number.

    A sender that invents names without end must not cost memory and streams without end: after
    MAX_SOURCES names every new one is `kind-other`. Its records still say which service they are
    of.
    """

    def __init__(self, kind: str, most: int = MAX_SOURCES) -> None:
        self._kind = kind
        self._most = most
        self._known: set[str] = set()

    def admit(self, name: str) -> str:
        """The name itself, or the shared one when there are too many."""
        if name not in self._known:
            if len(self._known) >= self._most:
                return f"{self._kind}-other"
            self._known.add(name)
        return name
