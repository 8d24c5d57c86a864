"""The one place where parts are put together."""

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from application.chunk_reading import ChunkReader
from application.detecting import Detecting
from application.intake import Intake
from application.investigating import Investigator, Limits
from application.notifying import Delivering
from application.notifying import Requesting as RequestingNotifications
from application.pipeline import Pipeline
from application.ports import Channel, Engine
from application.recording import Recording
from application.requesting_investigations import RequestingInvestigations
from application.searching_records import RecordSearch
from domain.investigations.diagnosis import SimilarIncident
from domain.investigations.investigation import Step
from domain.knowledge.knowledge_base import KnowledgeBase
from domain.logs.formats import FormatCatalogue
from infrastructure.agents.knowledge import KnowledgeEngine
from infrastructure.collectors.log_files import LogFiles
from infrastructure.event_store.chunks import ZstdChunkCodec
from infrastructure.event_store.sqlite_log import SqliteEventLog
from infrastructure.format_files import load_formats
from infrastructure.knowledge_files import load_knowledge
from infrastructure.settings import Settings, WrongSettings

EVENTS = "events.db"

Similar = Callable[[str, int], Sequence[SimilarIncident]]


def _nothing_similar(_: str, __: int) -> Sequence[SimilarIncident]:
    return []


@dataclass(slots=True)
class WriteSide:
    """The event store with what writes and reads record streams."""

    log: SqliteEventLog
    codec: ZstdChunkCodec
    reader: ChunkReader
    recording: Recording
    intake: Intake
    formats: FormatCatalogue
    _stop: threading.Event = field(default_factory=threading.Event)
    _writer: threading.Thread | None = None

    def start_writer(self) -> None:
        """Start the one thread that writes record streams."""
        self._writer = threading.Thread(
            target=self.intake.run, args=(self._stop,), name="writer", daemon=True
        )
        self._writer.start()

    def log_files(self, patterns: Sequence[str], *, start_at_end: bool = False) -> LogFiles:
        """The files that these paths and globs mean."""
        return LogFiles(
            patterns,
            self.intake,
            self.formats,
            self.recording.known,
            self.recording.checkpoints,
            start_at_end=start_at_end,
        )

    def close(self) -> None:
        """Write what waits, then let go of the store."""
        self._stop.set()
        if self._writer is not None:
            self._writer.join()
        self.log.close()


def open_write_side(
    data: Path,
    *,
    patient: bool = False,
    on_trouble: Callable[[Exception], None] = lambda _: None,
) -> WriteSide:
    """Open or create the event store of a data directory. Raises StoreUnusable and its kin.

    `patient`: when the store cannot be written, try again until it can, and tell `on_trouble`.
    """
    log = SqliteEventLog(data / EVENTS)
    codec = ZstdChunkCodec()
    reader = ChunkReader(codec)
    recording = Recording(log, codec, reader)
    intake = Intake(recording, patient=patient, on_trouble=on_trouble)
    return WriteSide(log, codec, reader, recording, intake, load_formats())


def knowledge_of(settings: Settings) -> KnowledgeBase:
    """The packaged catalogue with the user's own rules of `plugins/rules` beside it."""
    return load_knowledge(settings.data / "plugins" / "rules")


def engines_of(settings: Settings, knowledge: KnowledgeBase) -> dict[str, Engine]:
    """The engines that are configured. Raises WrongSettings for `crew` without a usable model."""
    engines: dict[str, Engine] = {"knowledge": KnowledgeEngine(knowledge)}
    if settings.engine_in_force == "crew":
        engines["crew"] = _crew(settings, engines["knowledge"])
    return engines


def _crew(settings: Settings, advisor: Engine) -> Engine:
    from infrastructure.agents.crew.engine import CrewEngine
    from infrastructure.agents.crew.settings import ModelSettings, model_settings_problem

    if not settings.model:
        raise WrongSettings(
            "AIOPS_ENGINE=crew needs a model: set AIOPS_MODEL, for example to ollama/qwen3:8b, "
            "or take AIOPS_ENGINE=knowledge, which needs none"
        )
    limits = Limits(
        settings.limit_context, settings.limit_diagnosis, settings.limit_fix, settings.limit_report
    )
    model = ModelSettings(
        model=settings.model,
        base_url=settings.model_base_url or None,
        api_key=settings.model_api_key if settings.model_api_key.get_secret_value() else None,
        storage=settings.data / "crewai",
        limits={step: limits.of(step) for step in Step},
    )
    problem = model_settings_problem(model)
    if problem:
        raise WrongSettings(problem)
    return CrewEngine(model, advisor)


def channels_of(settings: Settings) -> tuple[dict[str, Channel], dict[str, list[str]]]:
    """The channels that are configured, and whom each one tells. Raises WrongSettings."""
    url = settings.smtp_url.get_secret_value()
    if not url and not settings.recipients:
        return {}, {}
    if not url or not settings.recipients:
        missing = "AIOPS_SMTP_URL" if not url else "AIOPS_MAIL_TO"
        raise WrongSettings(
            f"mail needs both AIOPS_SMTP_URL and AIOPS_MAIL_TO, and {missing} is not set; "
            "set it, or unset the other to send no mail"
        )
    from infrastructure.mail import MailChannel, MailServerInvalid

    try:
        channel = MailChannel(url, settings.recipients)
    except MailServerInvalid as error:
        raise WrongSettings(f"AIOPS_SMTP_URL or AIOPS_MAIL_TO: {error}") from error
    return {"mail": channel}, {"mail": settings.recipients}


def pipeline_of(
    settings: Settings,
    write_side: WriteSide,
    *,
    similar: Similar = _nothing_similar,
    records: RecordSearch | None = None,
    link: Callable[[UUID], str] = lambda _: "",
) -> Pipeline:
    """Detection, investigation and notification on a store."""
    log, reader = write_side.log, write_side.reader
    knowledge = knowledge_of(settings)
    detecting = Detecting(log, reader, knowledge)
    channels, recipients = channels_of(settings)
    engines = engines_of(settings, knowledge)
    investigator = Investigator(
        log,
        knowledge,
        engines,
        records or RecordSearch(log, write_side.codec),
        detecting,
        similar,
        limits=Limits(
            settings.limit_context,
            settings.limit_diagnosis,
            settings.limit_fix,
            settings.limit_report,
            settings.limit_run,
        ),
        worker=f"worker-{os.getpid()}",
        alone=True,
    )
    return Pipeline(
        detecting,
        RequestingInvestigations(log, settings.engine_in_force),
        investigator,
        RequestingNotifications(log, recipients),
        Delivering(log, channels, link),
        lambda: _prepare(engines.get("crew")),
    )


def _prepare(engine: Engine | None) -> None:
    prepare = getattr(engine, "prepare", None)
    if prepare is not None:
        prepare()


class ThrowAwayStore:
    """A write side in a temporary directory that goes with it."""

    def __init__(self) -> None:
        # goes at the end of the program at the latest, wherever a signal struck
        self._directory = TemporaryDirectory(prefix="aiops-", ignore_cleanup_errors=True)
        self.write_side = open_write_side(Path(self._directory.name))

    def __enter__(self) -> WriteSide:
        self.write_side.start_writer()
        return self.write_side

    def __exit__(self, *_: object) -> None:
        self.write_side.close()
        self._directory.cleanup()
