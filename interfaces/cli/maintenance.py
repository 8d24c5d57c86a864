"""`aiops rebuild`, `verify`, `doctor`."""

import sys
from pathlib import Path

from pydantic import BaseModel

from application.verifying import verify as verify_store
from infrastructure.composition import EVENTS
from infrastructure.event_store.chunks import ZstdChunkCodec
from infrastructure.event_store.sqlite_log import SqliteEventLog
from infrastructure.instance import Instance
from infrastructure.settings import load_settings
from interfaces.cli.failures import FAILED, WrongUsage
from interfaces.cli.terminal import console, print_json, say
from interfaces.reading import demand_store


class RebuiltProjection(BaseModel):
    """One read model made anew. `differences` between the old one and what the events say."""

    position: int
    digest: str
    seconds: float
    events: int
    records: int
    differences: list[str]
    parked: list[str]


class Rebuilt(BaseModel):
    """What `aiops rebuild --json` prints. Not ok where something differed or was parked."""

    ok: bool
    projections: dict[str, RebuiltProjection]


def rebuild(data: Path | None, name: str, *, verify: bool, as_json: bool) -> None:
    """Rebuild one read model or all. Exit code 1 when a difference was found."""
    from infrastructure.read_models import NAMES
    from infrastructure.read_models import rebuild as rebuild_one

    if name not in (*NAMES, "all"):
        raise WrongUsage(f"there is no read model {name!r}: give {', '.join(NAMES)} or all")
    settings = load_settings(data=data)
    demand_store(settings.data)
    instance = Instance(settings.data)
    log = SqliteEventLog(settings.data / EVENTS)
    try:
        results = {}
        for each in NAMES if name == "all" else (name,):
            if not as_json:
                say(f"rebuilding {each}")
            results[each] = rebuild_one(each, settings.data, log, verify=verify)
    finally:
        log.close()
        instance.release()
    rebuilt = Rebuilt(
        ok=not any(r.differences or r.parked for r in results.values()),
        projections={
            each: RebuiltProjection(
                position=r.position,
                digest=r.digest,
                seconds=round(r.seconds, 3),
                events=r.events,
                records=r.records,
                differences=r.differences,
                parked=r.parked,
            )
            for each, r in results.items()
        },
    )
    if as_json:
        print_json(rebuilt)
    else:
        _print_rebuilt(rebuilt, verified=verify)
    if not rebuilt.ok:
        sys.exit(FAILED)


def verify(data: Path | None, *, as_json: bool) -> None:
    """Verify the store. Exit code 1 when a problem was found."""
    settings = load_settings(data=data)
    demand_store(settings.data)
    instance = Instance(settings.data)
    log = SqliteEventLog(settings.data / EVENTS)
    try:
        found = verify_store(log, ZstdChunkCodec())
    finally:
        log.close()
        instance.release()
    if as_json:
        print_json(found)
    else:
        out = console()
        out.print(f"{found.events} events, {found.records} records")
        for source, count in found.sources.items():
            out.print(f"  {source}: {count} records")
        for problem in found.problems:
            out.print(f"PROBLEM  {problem}", style="bold red")
        out.print("everything is there and unchanged" if found.ok else "the store is damaged")
    if not found.ok:
        sys.exit(FAILED)


def doctor(data: Path | None, *, as_json: bool) -> None:
    """Print the findings. Exit code 1 when one needs attention."""
    from infrastructure.doctor import examine

    examination = examine(load_settings(data=data))
    if as_json:
        print_json(examination)
    else:
        out = console()
        for finding in examination.findings:
            mark = "ok " if finding.ok else "BAD"
            out.print(f"{mark}  {finding.subject:<16} {finding.detail}")
            if finding.remedy:
                out.print(f"     {'':<16} -> {finding.remedy}")
    if not examination.ok:
        sys.exit(FAILED)


def _print_rebuilt(rebuilt: Rebuilt, *, verified: bool) -> None:
    out = console()
    for name, result in rebuilt.projections.items():
        rate = f", {result.records / result.seconds:,.0f} records/s" if result.seconds else ""
        out.print(
            f"{name:<10} {result.events} events, {result.records} records in "
            f"{result.seconds:.2f} s{rate}, digest {result.digest[:16]}"
        )
        for difference in result.differences:
            out.print(f"  DIFFERS  {difference}", style="bold red")
        for parked in result.parked:
            out.print(f"  PARKED   {parked}", style="bold red")
        if verified and not result.differences:
            out.print("  equal to the one before", style="dim")
