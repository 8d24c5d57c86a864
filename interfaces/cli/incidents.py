"""`aiops incidents`, `incident`, `audit`: what is known, from the running system or the store."""

import sys
from pathlib import Path

from application.auditing import AuditTrail
from domain.logs.alike import group_alike
from infrastructure.settings import load_settings
from interfaces.cli.failures import InputUnusable
from interfaces.cli.terminal import COLOURS, clock, console, print_json, safe
from interfaces.reading import open_reading
from projections.history.answers import IncidentDetail, IncidentPage

_EVIDENCE_SHOWN = 5


def list_incidents(
    data: Path | None, *, state: str | None, service: str | None, limit: int, as_json: bool
) -> None:
    """Print the incidents that match."""
    with open_reading(load_settings(data=data)) as reading:
        page = reading.incidents(state=state, service=service, limit=limit)
    if as_json:
        print_json(page)
    else:
        _print_page(page)


def show_incident(data: Path | None, identity: str, *, as_json: bool) -> None:
    """Print one incident. Raises InputUnusable for an id nobody has."""
    with open_reading(load_settings(data=data)) as reading:
        detail = reading.incident(identity)
    if detail is None:
        raise InputUnusable(f"no incident has the id {identity!r}; 'aiops incidents' lists them")
    if as_json:
        print_json(detail)
    else:
        _print_detail(detail)


def show_audit(data: Path | None, identity: str, *, as_json: bool) -> None:
    """Print the chain of events behind an incident."""
    with open_reading(load_settings(data=data)) as reading:
        trail = reading.audit(identity)
    if as_json:
        print_json(trail)
    else:
        _print_trail(trail)


def _print_page(page: IncidentPage) -> None:
    from rich.table import Table
    from rich.text import Text

    out = console()
    if not page.items:
        out.print("No incidents. 'aiops ingest PATH...' reads logs, 'aiops up' follows them.")
        return
    if not out.is_terminal:
        for row in page.items:
            columns = (row.short_id, clock(row.first_time), row.state, row.criticality)
            texts = (*columns, row.service, row.title)
            # written as it is: the console would turn tabs into spaces
            sys.stdout.write("\t".join(" ".join(safe(text).split()) for text in texts) + "\n")
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("id", "since (UTC)", "state", "criticality", "service", "what"):
        table.add_column(column)
    for row in page.items:
        table.add_row(
            row.short_id,
            clock(row.first_time),
            row.state,
            Text(row.criticality, style=COLOURS[row.criticality]),
            Text(safe(row.service)),
            Text(safe(row.title)),
        )
    out.print(table)


def _print_detail(detail: IncidentDetail) -> None:
    out = console()
    out.print(
        f"{detail.criticality.upper()}  {safe(detail.title)}", style=COLOURS[detail.criticality]
    )
    out.print(
        f"  incident {detail.id}, {detail.state}, since {clock(detail.first_time)} UTC", style="dim"
    )
    out.print(
        f"  services {safe(', '.join(detail.affected))}; opened because {safe(detail.reason)}"
    )
    diagnosis, remediation = detail.diagnosis, detail.remediation
    if diagnosis is None:
        out.print("  not diagnosed yet")
        return
    out.print(f"  Cause  {safe(diagnosis.root_cause)}  ({diagnosis.confidence:.0%})")
    if diagnosis.explanation:
        out.print(f"  Why    {safe(diagnosis.explanation)}")
    proofs = group_alike(diagnosis.citations, lambda c: c.quote, lambda c: c.source)
    for alike in proofs[:_EVIDENCE_SHOWN]:
        first = alike[0]
        times = f" and {len(alike) - 1} more like it" if len(alike) > 1 else ""
        out.print(f"  Proof  {safe(first.ref)} line {first.line}{times}  {safe(first.quote)}")
    for hypothesis in diagnosis.hypotheses[1:]:
        out.print(
            f"  Or     {safe(hypothesis.root_cause)}  ({hypothesis.confidence:.0%})", style="dim"
        )
    if remediation is not None:
        for label, texts in (
            ("Now", remediation.mitigation),
            ("Fix", remediation.steps),
            ("Check", remediation.verify),
            ("Back", remediation.rollback),
        ):
            for text in texts:
                out.print(f"  {label:<6} {safe(text)}")
        for patch in remediation.patches:
            out.print(f"  Patch  {safe(patch.path)}{' (a sketch)' if patch.sketch else ''}")
            out.print(safe(patch.diff), style="dim")
    for notification in detail.notifications:
        out.print(
            f"  {notification.channel} to {safe(notification.recipient)}: {notification.status}"
        )
    out.print(f"  How it was found: aiops audit {detail.short_id}", style="dim")


def _print_trail(trail: AuditTrail) -> None:
    out = console()
    place = {entry.id: entry.position for entry in trail.events}
    for entry in trail.events:
        cause = place.get(entry.causation_id) if entry.causation_id else None
        because = f"<- {cause}" if cause else ""
        out.print(
            f"{entry.position:>7} {because:<10} {entry.at:%H:%M:%S.%f} {entry.event:<24} "
            f"{entry.actor:<16} {safe(entry.summary)}"
        )
