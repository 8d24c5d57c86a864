"""A look at the installation: every finding says what is true and, if need be, what to do."""

import os
import platform
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version

from pydantic import BaseModel

from infrastructure.event_store.recorder import SCHEMA_VERSION
from infrastructure.settings import Settings

_LOW_DISK_BYTES = 1 << 30
_WAL_RESET_FIXED = (3, 51, 3)
"""Before it a WAL that two connections reset at once can corrupt (sqlite.org/wal.html)."""
_FEW_FILES = 1_024


class Finding(BaseModel):
    """One thing looked at."""

    subject: str
    ok: bool
    detail: str
    remedy: str = ""


class Examination(BaseModel):
    """What `aiops doctor` prints. Not ok where something keeps the product from working."""

    ok: bool
    findings: list[Finding]


def examine(settings: Settings) -> Examination:
    """Look at everything. A look that fails is a finding itself."""
    findings = [finding for look in _LOOKS for finding in _safely(look, settings)]
    return Examination(ok=all(f.ok for f in findings), findings=findings)


def _safely(look: Callable[[Settings], Iterator[Finding]], settings: Settings) -> list[Finding]:
    try:
        return list(look(settings))
    except Exception as error:  # noqa: BLE001 - the doctor must survive what it finds
        name = look.__name__.strip("_")
        return [Finding(subject=name, ok=False, detail=f"could not be looked at: {error}")]


def _versions(_: Settings) -> Iterator[Finding]:
    try:
        ours = version("ai-ops-copilot")
    except PackageNotFoundError:
        ours = "run from its source folder"
    yield Finding(
        subject="program",
        ok=True,
        detail=f"ai-ops-copilot {ours}, Python {platform.python_version()}, "
        f"{sys.platform} {platform.machine()}",
    )
    fixed = sqlite3.sqlite_version_info >= _WAL_RESET_FIXED
    yield Finding(
        subject="sqlite",
        ok=True,
        detail=f"SQLite {sqlite3.sqlite_version}"
        + (
            ""
            if fixed
            else ", which has the WAL-reset bug; one process writes a store, so it is safe"
        ),
        remedy="" if fixed else "do not open the store with other programs while the copilot runs",
    )


def _directory(settings: Settings) -> Iterator[Finding]:
    data = settings.data
    existing = next(p for p in (data, *data.absolute().parents) if p.exists())
    writable = os.access(existing, os.W_OK)
    yield Finding(
        subject="data directory",
        ok=writable,
        detail=f"{data}" + ("" if data.exists() else " (not made yet)"),
        remedy="" if writable else "check its owner and permissions, or set AIOPS_DATA",
    )
    for path in (data, data / "events.db"):
        if path.exists() and path.stat().st_mode & 0o077:
            yield Finding(
                subject="privacy",
                ok=False,
                detail=f"other users of this machine may read {path}, and with it your logs",
                remedy=f"run 'chmod -R go= {data}'",
            )
            break
    free = shutil.disk_usage(existing).free
    yield Finding(
        subject="disk",
        ok=free > _LOW_DISK_BYTES,
        detail=f"{free / (1 << 30):.1f} GiB free",
        remedy="" if free > _LOW_DISK_BYTES else "free some space, or move the data directory",
    )


def _store(settings: Settings) -> Iterator[Finding]:
    path = settings.data / "events.db"
    if not path.exists():
        yield Finding(subject="event store", ok=True, detail="empty: nothing was recorded yet")
        return
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        events = connection.execute("SELECT MAX(notification_id) FROM stored_events").fetchone()[0]
    finally:
        connection.close()
    newer = found > SCHEMA_VERSION
    yield Finding(
        subject="event store",
        ok=not newer,
        detail=f"{events or 0} events, {path.stat().st_size / (1 << 20):.1f} MiB, schema {found}",
        remedy="upgrade AI Ops Copilot: a newer one wrote this store" if newer else "",
    )


def _limits(_: Settings) -> Iterator[Finding]:
    import resource

    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = soft >= _FEW_FILES
    yield Finding(
        subject="open files",
        ok=enough,
        detail=f"at most {soft}",
        remedy="" if enough else "raise it with 'ulimit -n 4096' before following many files",
    )


def _knowledge(settings: Settings) -> Iterator[Finding]:
    from infrastructure.knowledge_files import load_knowledge

    knowledge = load_knowledge(settings.data / "plugins" / "rules")
    yield Finding(
        subject="knowledge",
        ok=True,
        detail=f"{len(knowledge.rules)} rules over {len(knowledge.technologies)} technologies, "
        f"version {knowledge.version}",
    )
    for problem in knowledge.problems:
        yield Finding(subject="own rules", ok=False, detail=problem, remedy="correct the file")


def _engine(settings: Settings) -> Iterator[Finding]:
    from infrastructure.composition import engines_of
    from infrastructure.knowledge_files import load_knowledge
    from infrastructure.settings import WrongSettings

    name = settings.engine_in_force
    try:
        engines_of(settings, load_knowledge(None))
    except WrongSettings as error:
        yield Finding(subject="engine", ok=False, detail=name, remedy=str(error))
        return
    asked = f", model {settings.model}" if name == "crew" else "; needs no model and no network"
    yield Finding(subject="engine", ok=True, detail=f"{name}{asked}")


def _mail(settings: Settings) -> Iterator[Finding]:
    from infrastructure.composition import channels_of
    from infrastructure.instance import announced
    from infrastructure.settings import WrongSettings

    running = announced(settings.data)
    if running.get("url"):  # its settings are what counts, and may differ from ours
        told = running.get("mail_to")
        detail = f"the running process sends reports to {told}" if told else "it sends no mail"
        yield Finding(subject="mail", ok=True, detail=detail)
        return
    try:
        channels, recipients = channels_of(settings)
    except WrongSettings as error:
        yield Finding(subject="mail", ok=False, detail="cannot be sent", remedy=str(error))
        return
    told = ", ".join(recipients.get("mail", []))
    detail = f"reports go to {told}" if channels else "no mail server is configured"
    yield Finding(subject="mail", ok=True, detail=detail)


def _running(settings: Settings) -> Iterator[Finding]:
    from infrastructure.instance import running_api

    url = running_api(settings.data)
    yield Finding(subject="running", ok=True, detail=f"answers at {url}" if url else "not running")


_LOOKS = (_versions, _directory, _store, _limits, _knowledge, _engine, _mail, _running)
