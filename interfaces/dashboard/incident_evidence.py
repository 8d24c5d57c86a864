"""The lines that prove it, as they stood in the source, with the lines around them."""

from collections.abc import Iterable, Sequence

import streamlit as st
from markupsafe import Markup

from domain.detection.anomaly import Anomaly, Evidence, Line
from domain.investigations.diagnosis import Citation
from domain.logs.alike import group_alike
from domain.logs.record import severity_name
from interfaces.dashboard.markup import join, log_line, text
from interfaces.dashboard.places import link
from interfaces.dashboard.session import html, viewer_zone
from interfaces.dashboard.wording import at_ns, clock, count, words
from projections.history.answers import IncidentDetail

PROOFS = 2
"""Kinds of cited lines under the root cause; the rest is in the view Evidence."""
_SHOWN = 12
_AROUND = 1


def known_lines(anomalies: Iterable[Anomaly]) -> dict[str, Line]:
    """Every record the incident keeps, by its reference."""
    found: dict[str, Line] = {}
    for anomaly in anomalies:
        for evidence in anomaly.evidence:
            for line in (evidence.record, *evidence.before, *evidence.after):
                found.setdefault(line.ref, line)
    return found


def proof(incident: IncidentDetail, citations: Sequence[Citation]) -> Markup:
    """The cited lines with their quotes marked; those that say the same are one, with its count."""
    lines = known_lines(incident.anomalies)
    kinds = group_alike(citations, lambda c: c.quote, lambda c: c.source)
    if not kinds:
        return Markup("")
    shown = [_cited(alike, lines.get(alike[0].ref)) for alike in kinds[:PROOFS]]
    rest = len(kinds) - len(shown)
    more = Markup('<div class="small dim">{} other kinds of lines in Evidence</div>').format(rest)
    return Markup('<div class="small dim">proof</div>{}{}').format(
        join(shown), more if rest > 0 else ""
    )


def _cited(alike: Sequence[Citation], line: Line | None) -> Markup:
    """The cited physical line between its neighbours in the record; a long trace is not shown."""
    citation = alike[0]
    physical = line.original.split("\n") if line else [citation.quote]
    first = line.line if line else citation.line
    place = min(max(citation.line - first, 0), len(physical) - 1)
    shown = range(max(0, place - _AROUND), min(len(physical), place + _AROUND + 1))
    again = f" · cited {len(alike)} times, this is the first" if len(alike) > 1 else ""
    left_out = len(physical) - len(shown)
    more = f" · {count(left_out)} more lines in this record" if left_out else ""
    return Markup('<div class="small dim">{}</div><div class="log">{}</div>').format(
        text(f"{citation.ref} · line {citation.line}{again}{more}"),
        join(
            log_line(first + n, physical[n], "hit" if n == place else "", [citation.quote])
            for n in shown
        ),
    )


def evidence_view(incident: IncidentDetail) -> None:
    """Every symptom with its lines, those the diagnosis cites first."""
    quotes = _quotes(incident)
    anomalies = sorted(
        incident.anomalies,
        key=lambda a: (not any(e.record.ref in quotes for e in a.evidence), a.first_time),
    )
    everything = st.toggle(f"Show all {len(anomalies)}") if len(anomalies) > _SHOWN else True
    for anomaly in anomalies if everything else anomalies[:_SHOWN]:
        _symptom(anomaly)
        for evidence in anomaly.evidence[:3]:
            _excerpt(evidence, quotes)


def _quotes(incident: IncidentDetail) -> dict[str, list[str]]:
    citations: list[Citation] = []
    if incident.diagnosis:
        citations += incident.diagnosis.citations
        for hypothesis in incident.diagnosis.hypotheses:
            citations += hypothesis.citations
    found: dict[str, list[str]] = {}
    for citation in citations:
        found.setdefault(citation.ref, []).append(citation.quote)
    return found


def _symptom(anomaly: Anomaly) -> None:
    html(
        Markup(
            '<h2>{} <span class="dim">· {} · {} times</span></h2><p class="small">{}</p>'
        ).format(
            text(anomaly.service), words(anomaly.kind), count(anomaly.count), text(anomaly.reason)
        )
    )


def _excerpt(evidence: Evidence, quotes: dict[str, list[str]]) -> None:
    record = evidence.record
    lines = [
        *(log_line(line.line, line.original) for line in evidence.before),
        log_line(record.line, record.original, "hit", quotes.get(record.ref, [])),
        *(log_line(line.line, line.original) for line in evidence.after),
    ]
    moment = clock(at_ns(record.time), viewer_zone())
    html(
        Markup('<div class="small dim">{}</div><div class="log">{}</div>').format(
            text(
                f"{record.ref} · line {record.line} · {moment} · "
                f"{severity_name(record.severity_number)} · chunk {evidence.chunk_hash[:12]}"
            ),
            join(lines),
        )
    )
    link(
        "search",
        f"more around {record.ref}",
        source=record.source,
        sequence=str(record.sequence),
    )
