"""The whole system in one process: what `aiops up`, `ingest` and the API work on."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from uuid import UUID

from application.attending import Attending
from application.auditing import AuditTrail
from application.auditing import audit as audit_of
from application.chunking import Chunk
from application.collecting import collect_lines, collect_records
from application.following import Follower
from application.intake import IntakeFull, Origin
from application.searching_records import RecordSearch
from domain.logs.formats import FormatCatalogue
from domain.logs.parser import SourceParser
from domain.logs.source import RecordsAppended
from domain.logs.source_names import SourceNames
from infrastructure.collectors.batches import SourceBatch
from infrastructure.composition import open_write_side, pipeline_of
from infrastructure.instance import Instance
from infrastructure.read_models import NAMES, ReadModels
from infrastructure.settings import Settings
from interfaces.api.backend import (
    Check,
    IngestResult,
    ProjectionState,
    QueueFull,
    Readiness,
    Search,
)

_DURABLE_WITHIN = 30.0
"""Seconds a sender waits for its lines to be on disk."""
_POLL = 0.25
Tell = Callable[[str], None]
_Settled = Future[RecordsAppended | None]


class System:
    """Opens a data directory for this process alone and does all the work on it."""

    def __init__(
        self,
        settings: Settings,
        *,
        patient: bool = False,
        mend: bool = True,
        tell: Tell = lambda _: None,
        link: Callable[[UUID], str] = lambda _: "",
    ) -> None:
        """`patient`: keep trying while the store cannot be written, as a service should.

        Raises AlreadyRunning, DataDirectoryUnusable, StoreUnusable, WrongSettings.
        """
        self.settings = settings
        self._tell = tell
        self._patient = patient
        self._problems: dict[str, str] = {}
        self._checks: dict[str, Callable[[], str]] = {}
        self.instance = Instance(settings.data)
        with ExitStack() as opened:
            opened.callback(self.instance.release)
            self.write_side = open_write_side(
                settings.data, patient=patient, on_trouble=self._trouble
            )
            opened.callback(self.write_side.close)
            log = self.write_side.log
            self.read_models = ReadModels(settings.data, log, mend=mend, tell=tell)
            opened.callback(self.read_models.close)
            self.history = self.read_models.history
            self.dashboard = self.read_models.dashboard
            self.records = RecordSearch(log, self.write_side.codec, self.history)
            self.commands = Attending(log)
            self.pipeline = pipeline_of(
                settings,
                self.write_side,
                similar=self.read_models.similar,
                records=self.records,
                link=link,
            )
            self.pipeline.project.append(self.read_models.catch_up)
            opened.pop_all()  # all is well: `close` does it from now on
        self.search: Search = self.read_models
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._ingest_lock = threading.Lock()
        """Held while lines get their numbers and are queued; never while the disk works."""
        self._given: dict[str, int] = {}
        self._source_names: dict[str, SourceNames] = {}

    def __enter__(self) -> "System":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop all work, finish what was accepted, release the directory."""
        self.stop_pipeline()
        self.write_side.close()
        self.read_models.close()
        self.instance.release()

    # -- work ------------------------------------------------------------------------------------

    def start_pipeline(self) -> None:
        """Detect, investigate, notify and project in threads of their own."""
        self._stop.clear()
        self._start("detect", self.pipeline.detect)
        self._start("investigate", self._investigate)
        self._start("notify", self.pipeline.notify)
        for name, follower in self.read_models.followers.items():
            self._start(f"project-{name}", _up_to_date(follower))

    def prepare_engines(self) -> None:
        """Load what the engines need (CrewAI takes seconds) before the first incident does."""
        thread = threading.Thread(target=self.pipeline.prepare, name="prepare", daemon=True)
        thread.start()

    def keep_vectors(self) -> None:
        """Open the vectors in the background and keep them up too."""

        def follow() -> None:
            if self.read_models.vectors() is not None:
                self._start("project-vectors", _up_to_date(self.read_models.followers["vectors"]))

        thread = threading.Thread(target=follow, name="open-vectors", daemon=True)
        thread.start()
        self._threads.append(thread)

    def stop_pipeline(self) -> None:
        """End the threads; what they were at is finished first."""
        self._stop.set()
        self.write_side.log.signal.notify()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _start(self, name: str, work: Callable[[], int]) -> None:
        thread = threading.Thread(target=self._repeat, args=(name, work), name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _repeat(self, name: str, work: Callable[[], int]) -> None:
        """Do the work whenever something was recorded; a failure is told, then tried again."""
        pause = 1.0
        signal = self.write_side.log.signal
        while not self._stop.is_set():
            seen = signal.count
            try:
                if not work():
                    signal.wait(seen, _POLL)
                self._problems.pop(name, None)
                pause = 1.0
            except Exception as error:  # noqa: BLE001 - one part must not take the others down
                self._problems[name] = f"{type(error).__name__}: {error}"
                self._tell(f"{name} failed: {error}; trying again in {pause:g} s")
                self._stop.wait(pause)
                pause = min(pause * 2, 60.0)

    def _investigate(self) -> int:
        """Let an incident gather its evidence for a moment before looking into it."""
        self.pipeline.requesting.run_once()
        if not self.pipeline.investigator.waiting():
            return 0
        self._stop.wait(self.settings.settle)
        return self.pipeline.investigate()

    def _trouble(self, error: Exception) -> None:
        self._problems["record"] = str(error)
        if self._patient:  # else whoever handed the records in raises it, and it is told there
            self._tell(f"{error}")

    # -- what the API asks (interfaces.api.backend.Backend) --------------------------------------

    def audit(self, any_id: str) -> AuditTrail:
        """See Backend.audit."""
        return audit_of(self.write_side.log, any_id)

    def ingest(self, source: str, lines: Iterable[str], kind: str) -> IngestResult:
        """See Backend.ingest."""
        origin = Origin(source, kind, "http")
        parser = SourceParser(source, self.write_side.formats)
        with self._ingest_lock:  # line numbers of one source must not be given twice
            first = self._lines_of(source) + 1
            made = collect_lines(origin, list(lines), parser, first_line=first)
            settled = self._hand_in([(origin, chunk) for chunk in made])
        return self._wait_for_disk(sum(len(chunk.records) for chunk in made), settled)

    @property
    def formats(self) -> FormatCatalogue:
        """See Backend.formats."""
        return self.write_side.formats

    def ingest_records(self, kind: str, batches: Sequence[SourceBatch]) -> IngestResult:
        """See Backend.ingest_records."""
        with self._ingest_lock:
            names = self._source_names.setdefault(kind, SourceNames(kind))
            lines: dict[str, int] = {}
            made: list[tuple[Origin, Chunk]] = []
            for batch in batches:
                source = names.admit(batch.source)
                origin = Origin(source, kind, "http", batch.service)
                before = lines.get(source, -1)
                before = self._lines_of(source) if before < 0 else before
                made += [(origin, c) for c in collect_records(origin, batch.records, before)]
                lines[source] = before + sum(record.line_count for record in batch.records)
            settled = self._hand_in(made)
        return self._wait_for_disk(sum(len(chunk.records) for _, chunk in made), settled)

    def _lines_of(self, source: str) -> int:
        """Lines a source has handed in so far, durable or on their way."""
        durable = int(self.write_side.recording.known(source)[1].get("line", 0))
        return max(durable, self._given.get(source, 0))

    def _hand_in(self, made: Sequence[tuple[Origin, Chunk]]) -> list[_Settled]:
        """Queue all of a request or, with QueueFull, nothing of it. Does not wait."""
        try:
            settled = self.write_side.intake.submit_all(made)
        except IntakeFull as full:
            raise QueueFull(full.retry_after_seconds) from full
        for origin, chunk in made:
            self._given[origin.source] = int(chunk.checkpoint.get("line", 0))
        return settled

    def _wait_for_disk(self, accepted: int, settled: Sequence[_Settled]) -> IngestResult:
        """Wait until all of it is durable, but not for ever.

        What is queued is written as soon as the store can be written, so a sender who waited too
        long must not send it again: it is accepted, at a position that is not known yet.
        """
        deadline = time.monotonic() + _DURABLE_WITHIN
        last: RecordsAppended | None = None
        for future in settled:
            try:
                last = future.result(timeout=max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                return IngestResult(accepted=accepted, position=None)
        position = None
        if last is not None:
            position = self.write_side.log.position_of(last.originator_id, last.originator_version)
        return IngestResult(accepted=accepted, position=position)

    def health(self) -> Readiness:
        """See Backend.health."""
        parts = ("record", "detect", "investigate", "notify", *(f"project-{n}" for n in NAMES))
        checks = [
            Check(name=part, ok=part not in self._problems, detail=self._problems.get(part, ""))
            for part in parts
        ]
        for name, problem in list(self._checks.items()):
            detail = problem()
            checks.append(Check(name=name, ok=not detail, detail=detail))
        return Readiness(ok=all(check.ok for check in checks), checks=checks)

    def also_check(self, name: str, problem: Callable[[], str]) -> None:
        """Let readiness ask another part what is wrong with it; empty says nothing is."""
        self._checks[name] = problem

    def projections(self) -> list[ProjectionState]:
        """See Backend.projections."""
        head = self.write_side.log.head()
        return [
            ProjectionState(
                name=name,
                position=position,
                head=head,
                lag=max(0, head - max(position, self._reached(name))),
                schema_version=version,
            )
            for name, (position, version) in self.read_models.positions().items()
        ]

    def _reached(self, name: str) -> int:
        follower = self.read_models.followers.get(name)
        return follower.reached if follower else 0

    def wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Block until the condition holds, looking after everything that is recorded."""
        deadline = time.monotonic() + timeout
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0 or self._stop.is_set():
                return False
            self.write_side.log.signal.wait(self.write_side.log.signal.count, min(left, _POLL))
        return True


def _up_to_date(follower: Follower) -> Callable[[], int]:
    """Bring a read model up to date; there is never a second round to do at once."""

    def work() -> int:
        follower.catch_up()
        return 0

    return work
