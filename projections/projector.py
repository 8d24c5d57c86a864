"""What every read model is made of: a table of what each event does, and a place to stand."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from domain.provenance import Fact


class RecordedEvent(Protocol):
    """An event at its global position (`application.event_log.Recorded` is one)."""

    @property
    def position(self) -> int:
        """The global position, from 1."""
        ...

    @property
    def event(self) -> Fact:
        """What was recorded."""
        ...


class ReadModelUnusable(Exception):
    """A read model cannot be read or written; the message says which, why and what to do."""

    def __init__(self, name: str, where: object, reason: str) -> None:
        super().__init__(
            f"the read model '{name}' in {where} cannot be used: {reason}; nothing is lost, "
            f"run 'aiops rebuild {name}' to make it anew from the events"
        )
        self.name = name
        self.reason = reason


class StaleSchema(ReadModelUnusable):
    """A read model was written with another schema version than this program's."""

    def __init__(self, name: str, where: object, found: int, expected: int) -> None:
        super().__init__(
            name, where, f"it has schema version {found}, this program writes version {expected}"
        )
        self.found = found
        self.expected = expected


Target = TypeVar("Target")
Event = TypeVar("Event", bound=Fact)


class Projector(Generic[Target]):
    """What each event does to a read model, and nothing else.

    history = Projector[Tables]("history", schema_version=1)

    @history.on(IncidentOpened)
    def opened(event: IncidentOpened, position: int, tables: Tables) -> None: ...
    """

    def __init__(self, name: str, schema_version: int) -> None:
        self.name = name
        self.schema_version = schema_version
        self._handlers: dict[type[Fact], Callable[[Any, int, Target], None]] = {}

    def on(
        self, event_class: type[Event]
    ) -> Callable[[Callable[[Event, int, Target], None]], Callable[[Event, int, Target], None]]:
        """Register the handler of an event class. Raises ValueError for a second one."""

        def register(
            handler: Callable[[Event, int, Target], None],
        ) -> Callable[[Event, int, Target], None]:
            if event_class in self._handlers:
                raise ValueError(f"{self.name} handles {event_class.__name__} already")
            self._handlers[event_class] = handler
            return handler

        return register

    @property
    def topics(self) -> Sequence[type[Fact]]:
        """The event classes this read model is made from."""
        return tuple(self._handlers)

    def handle(self, recorded: RecordedEvent, target: Target) -> None:
        """Do what the event does; an event nobody registered does nothing."""
        handler = self._handlers.get(type(recorded.event))
        if handler is not None:
            handler(recorded.event, recorded.position, target)
