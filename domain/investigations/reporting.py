"""The report in plain sentences, from what the steps before it found."""

from collections.abc import Sequence
from datetime import UTC, datetime

from domain.detection.anomaly import Anomaly
from domain.investigations.diagnosis import Context, Diagnosis
from domain.investigations.remediation import Remediation
from domain.investigations.report import Report

_LONGEST_SUBJECT = 150


def report(
    anomalies: Sequence[Anomaly], context: Context, diagnosis: Diagnosis, remediation: Remediation
) -> Report:
    """What a person reads first."""
    first = min(a.first_time for a in anomalies)
    last = max(a.last_time for a in anomalies)
    services = list(dict.fromkeys(a.service for a in anomalies))
    subject = f"[{diagnosis.criticality}] {diagnosis.title}"
    return Report(
        subject=" ".join(subject.split())[:_LONGEST_SUBJECT],
        summary=(
            f"Since {_clock(first)} UTC {_and(services)} "
            f"{'is' if len(services) == 1 else 'are'} failing. {diagnosis.root_cause}"
        ),
        what_happened=_what_happened(context, anomalies, first, last),
        why=_why(diagnosis),
        impact=diagnosis.criticality_reason,
        what_to_do=remediation.summary,
        citations=list(diagnosis.citations),
    )


def _what_happened(context: Context, anomalies: Sequence[Anomaly], first: int, last: int) -> str:
    story = [f"{_clock(e.time)} {e.service}: {e.what}" for e in context.timeline[:8]]
    count = sum(a.count for a in anomalies)
    span = max(0, (last - first) // 1_000_000_000)
    return "\n".join([f"{count} failing records within {span} s.", *story])


def _why(diagnosis: Diagnosis) -> str:
    parts = [diagnosis.root_cause, diagnosis.explanation]
    if len(diagnosis.hypotheses) > 1:
        other = diagnosis.hypotheses[1]
        parts.append(f"Second guess ({other.confidence:.0%}): {other.root_cause}")
    return "\n".join(part for part in parts if part)


def _clock(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
