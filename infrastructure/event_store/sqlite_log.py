"""The event log on SQLite, through eventsourcing's Application."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from eventsourcing.application import AggregateNotFoundError, Application, ProcessingEvent
from eventsourcing.persistence import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    PersistenceError,
    StoredEvent,
    Tracking,
    Transcoder,
)
from eventsourcing.utils import get_topic

from application.event_log import ConcurrentAppend, Recorded, Signal
from domain.provenance import Fact
from infrastructure.event_store.recorder import OrderedFactory, OrderedRecorder, check_schema
from infrastructure.event_store.transcoder import MsgpackTranscoder


class StoreUnusable(Exception):
    """The event store cannot be opened or written; says where, why and what to do."""


class _Store(Application[UUID]):
    name = "aiops"

    def construct_factory(self, env: Any) -> Any:
        return OrderedFactory(env)

    def construct_transcoder(self) -> Transcoder:
        return MsgpackTranscoder()

    def construct_recorder(self) -> OrderedRecorder:
        recorder = self.factory.process_recorder()
        assert isinstance(recorder, OrderedRecorder)
        return recorder


class SqliteEventLog:
    """Implements `application.event_log.EventLog` in one SQLite file (WAL, synchronous=FULL)."""

    def __init__(self, path: Path) -> None:
        """Open or create the store.

        Raises StoreUnusable (with the remedy) and StoreNewerThanProgram.
        """
        self.path = path
        self.signal = Signal()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            check_schema(str(path))
            self._store = _Store(
                env={
                    "PERSISTENCE_MODULE": "eventsourcing.sqlite",
                    "SQLITE_DBNAME": str(path),
                    "SQLITE_LOCK_TIMEOUT": "10",
                }
            )
        except (OSError, sqlite3.Error, PersistenceError) as error:
            raise StoreUnusable(_why(path, error)) from error
        recorder = self._store.recorder
        assert isinstance(recorder, OrderedRecorder)
        self._recorder = recorder

    def append(
        self, *changes: Any, process: str | None = None, position: int | None = None
    ) -> list[Recorded]:
        """See EventLog.append. Raises ConcurrentAppend, StoreUnusable."""
        pending: ProcessingEvent[UUID] = ProcessingEvent()
        pending.collect_events(*changes)
        tracking = None
        if process is not None and position is not None:
            tracking = Tracking(process, position)
            if self.progress(process) >= position:
                return []  # processed before: its events are already there
        if not pending.events and tracking is None:
            return []
        try:
            recordings = self._store.events.put(pending.events, tracking=tracking)
        except IntegrityError as error:
            raise ConcurrentAppend(str(error)) from error
        except (DatabaseError, InterfaceError) as error:
            raise StoreUnusable(_why(self.path, error)) from error
        self.signal.notify()
        return [
            Recorded(recording.notification.id, recording.domain_event)  # type: ignore[arg-type]
            for recording in recordings
        ]

    def read(
        self,
        after: int,
        limit: int,
        topics: Sequence[type[Fact]] = (),
        until: int | None = None,
    ) -> list[Recorded]:
        """See EventLog.read."""
        notifications = self._recorder.select_notifications(
            start=after,
            limit=limit,
            stop=until,
            topics=[get_topic(topic) for topic in topics],
            inclusive_of_start=False,
        )
        return [Recorded(n.id, self._event(n)) for n in notifications]

    def stream(self, originator_id: UUID) -> Iterator[Fact]:
        """See EventLog.stream."""
        for stored in self._recorder.select_events(originator_id):
            yield self._event(stored)

    def last_of(self, originator_id: UUID) -> Fact | None:
        """See EventLog.last_of."""
        stored = self._recorder.latest_of(originator_id)
        return None if stored is None else self._event(stored)

    def position_of(self, originator_id: UUID, version: int) -> int | None:
        """See EventLog.position_of."""
        return self._recorder.position_of(originator_id, version)

    def load(self, originator_id: UUID) -> Any | None:
        """See EventLog.load."""
        try:
            return self._store.repository.get(originator_id)
        except AggregateNotFoundError:
            return None

    def progress(self, process: str) -> int:
        """See EventLog.progress."""
        return self._recorder.max_tracking_id(process) or 0

    def save_progress(self, process: str, position: int) -> None:
        """See EventLog.save_progress."""
        self._recorder.save_tracking(process, position)

    def head(self) -> int:
        """See EventLog.head."""
        return self._recorder.max_notification_id() or 0

    def close(self) -> None:
        """Release the file. The log cannot be used afterwards."""
        self._store.close()

    def _event(self, stored: StoredEvent) -> Fact:
        return self._store.mapper.to_domain_event(stored)  # type: ignore[return-value]


def _why(path: Path, error: Exception) -> str:
    text = str(error)
    if "readonly" in text or isinstance(error, PermissionError) or "unable to open" in text:
        remedy = "check the owner and permissions of the directory, or use another with --data DIR"
    elif "full" in text or "No space" in text:
        remedy = "free some space on that disk; nothing recorded so far is lost"
    elif "not a database" in text or "malformed" in text:
        remedy = "restore it from a backup, or start a new one with --data DIR"
    elif "locked" in text:
        remedy = "another program holds it; stop that one first"
    else:
        remedy = "run 'aiops doctor' for a closer look"
    return f"the event store {path} cannot be used: {text}; {remedy}"
