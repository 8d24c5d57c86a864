"""Making a read model anew from the events, beside the live one, then putting it in its place."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from application.event_log import EventLog, Recorded
from application.following import BATCH
from domain.logs.source import RecordsAppended
from domain.provenance import Fact

_COMPARISONS = 10
"""A live model that is fed meanwhile moves on between digest and digest; compare again."""


class Projection(Protocol):
    """A read model that can be fed and compared."""

    @property
    def topics(self) -> Sequence[type[Fact]]:
        """The event classes it is made from."""
        ...

    @property
    def position(self) -> int:
        """The last event it contains."""
        ...

    @property
    def parked(self) -> Sequence[tuple[int, str, str]]:
        """Events it could not take in: position, event class, reason."""
        ...

    def apply(self, batch: Sequence[Recorded], *, after: int | None = None) -> int:
        """Take in a batch; return where it stands then."""
        ...

    def digest(self) -> str:
        """Equal exactly where the content is."""
        ...

    def close(self) -> None:
        """Release what it holds."""
        ...


P = TypeVar("P", bound=Projection)


class Place(Protocol[P]):
    """Where a read model lives, and how another takes its place."""

    name: str

    def live(self) -> P | str:
        """The live read model, or why there is none: `was missing`, `was unreadable: ...`."""
        ...

    def beside(self) -> P:
        """A new, empty one beside it, where an earlier attempt was thrown away."""
        ...

    def differences(self, live: P, rebuilt: P) -> list[str]:
        """Every difference of `live` from `rebuilt`, by name."""
        ...

    def install(self, rebuilt: P, live: P | None) -> None:
        """Put `rebuilt` in the live one's place (None: there is none), and close both."""
        ...


@dataclass(frozen=True, slots=True)
class RebuildResult:
    """What a rebuild came to.

    position: everything up to it is contained. differences: of the old live model, empty also
    where nobody asked to verify. parked: events that could not be taken in.
    """

    name: str
    position: int
    digest: str
    seconds: float
    events: int
    records: int
    differences: list[str] = field(default_factory=list)
    parked: list[str] = field(default_factory=list)


Progress = Callable[[int, int], None]
"""Called with the position reached and the position to reach."""


def rebuild(
    place: Place[P], log: EventLog, *, verify: bool, progress: Progress | None = None
) -> RebuildResult:
    """Rebuild a read model from the first event on and put it in the live one's place.

    verify: bring the live model up to the same position first and name every difference. The
    live model answers queries meanwhile.
    """
    began = time.perf_counter()
    with ExitStack() as open_models:
        # the live one first: who may not have it learns so before the work is done
        live = place.live()
        if not isinstance(live, str):
            open_models.callback(live.close)
        rebuilt = place.beside()
        open_models.callback(rebuilt.close)
        counter, head = _Counter(), log.head()
        _feed(rebuilt, log, head, progress, counter)
        differences: list[str] = []
        if verify:
            differences = [live] if isinstance(live, str) else _compare(place, live, rebuilt, log)
        result = RebuildResult(
            name=place.name,
            position=max(head, rebuilt.position),
            digest=rebuilt.digest(),
            seconds=time.perf_counter() - began,
            events=counter.events,
            records=counter.records,
            differences=differences,
            parked=[f"{position} {event}: {reason}" for position, event, reason in rebuilt.parked],
        )
        open_models.pop_all()  # installing closes them
        place.install(rebuilt, None if isinstance(live, str) else live)
    return result


def _compare(place: Place[P], live: P, rebuilt: P, log: EventLog) -> list[str]:
    differences: list[str] = []
    for _ in range(_COMPARISONS):
        target = max(live.position, rebuilt.position)
        _feed(live, log, target)
        _feed(rebuilt, log, target)
        standing = live.position
        equal = live.digest() == rebuilt.digest()
        differences = [] if equal else place.differences(live, rebuilt)
        if live.position == standing:
            break
    return differences


@dataclass(slots=True)
class _Counter:
    events: int = 0
    records: int = 0


def _feed(
    projection: Projection,
    log: EventLog,
    until: int,
    progress: Progress | None = None,
    counter: _Counter | None = None,
) -> None:
    standing = projection.position
    while batch := log.read(standing, BATCH, projection.topics, until=until):
        standing = projection.apply(batch, after=standing)
        if counter is not None:
            counter.events += len(batch)
            counter.records += sum(
                r.event.count for r in batch if isinstance(r.event, RecordsAppended)
            )
        if progress is not None:
            progress(standing, until)
    if progress is not None:
        progress(until, until)
