"""Charts in colours that people with any colour vision tell apart (Okabe and Ito, 2008)."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

import altair as alt

from domain.detection.anomaly import Anomaly
from interfaces.api.answers import RecordView
from interfaces.dashboard.wording import at_ns, shortened, visible, words
from projections.dashboard.answers import RatePoint
from projections.history.answers import TimelineRow

SEVERITY_COLOURS = {"error and worse": "#D55E00", "warn": "#E69F00", "other": "#8CA3B5"}
MARKER_COLOUR = "#CC79A7"
BUCKETS = 60
"""Bars of a histogram, at most."""


def _local(nanoseconds: int, zone: tzinfo) -> str:
    """Wall-clock time without a zone: Vega then shows it as it is, whatever the browser thinks."""
    return at_ns(nanoseconds, zone).replace(tzinfo=None).isoformat()


def _data(rows: list[dict[str, Any]]) -> alt.Data:
    return alt.Data(values=rows)  # type: ignore[no-untyped-call]


def rates(
    records: Sequence[RatePoint], errors: Sequence[RatePoint], zone: tzinfo
) -> tuple[alt.Chart, alt.Chart]:
    """Records and errors a minute, one above the other (their scales differ by far)."""
    return (
        _rate(records, zone, "#0072B2", "records per minute"),
        _rate(errors, zone, "#D55E00", "errors per minute"),
    )


def _rate(points: Sequence[RatePoint], zone: tzinfo, colour: str, title: str) -> alt.Chart:
    rows = [{"time": _local(point.time, zone), "count": point.count} for point in points]
    chart: alt.Chart = (
        alt.Chart(_data(rows), height=120)
        .mark_area(
            color=colour,
            opacity=0.35,
            line={"color": colour, "strokeWidth": 1.5},
            interpolate="step",
        )
        .encode(
            x=alt.X("time:T", title=None, axis=alt.Axis(format="%H:%M", tickCount=8)),
            y=alt.Y("count:Q", title=None, axis=alt.Axis(tickMinStep=1, tickCount=3)),
            tooltip=[alt.Tooltip("time:T", format="%H:%M"), alt.Tooltip("count:Q", title=title)],
        )
    )
    return chart


def histogram(
    records: Sequence[RecordView],
    marks: Sequence[TimelineRow],
    window: tuple[int, int],
    zone: tzinfo,
) -> alt.LayerChart:
    """Records over the window (nanoseconds since 1970) by severity, with the incident's moments."""
    first, last = window
    width = max((last - first) // BUCKETS, 1)
    counts: dict[tuple[int, str], int] = {}
    for record in records:
        begin = first + (record.time - first) // width * width
        kind = _severity(record.severity_number)
        counts[begin, kind] = counts.get((begin, kind), 0) + 1
    rows, heights = [], dict[int, int]()
    for kind in SEVERITY_COLOURS:  # stacked here: Vega does not stack bars that have an x2
        for begin in sorted({at for at, found in counts if found == kind}):
            low = heights.get(begin, 0)
            heights[begin] = low + counts[begin, kind]
            rows.append(
                {
                    "from": _local(begin, zone),
                    "to": _local(begin + width, zone),
                    "severity": kind,
                    "records": counts[begin, kind],
                    "low": low,
                    "high": heights[begin],
                }
            )
    bars = (
        alt.Chart(_data(rows))
        .mark_rect()
        .encode(
            x=_axis(window, zone, "from"),
            x2="to:T",
            y=alt.Y("low:Q", title="records", axis=alt.Axis(tickMinStep=1, tickCount=4)),
            y2="high:Q",
            color=alt.Color(
                "severity:N",
                scale=alt.Scale(
                    domain=list(SEVERITY_COLOURS), range=list(SEVERITY_COLOURS.values())
                ),
                legend=alt.Legend(orient="top", title=None),
            ),
            tooltip=["severity:N", "records:Q", alt.Tooltip("from:T", format="%H:%M:%S")],
        )
    )
    layers: alt.LayerChart = (bars + _markers(marks, window, zone)).properties(height=170)
    return layers


def spans(anomalies: Sequence[Anomaly], window: tuple[int, int], zone: tzinfo) -> alt.Chart:
    """Which service showed symptoms from when to when, first one on top."""
    least = max((window[1] - window[0]) // 120, 1)
    rows = [
        {
            "service": visible(shortened(anomaly.service or anomaly.source, 40)),
            "from": _local(anomaly.first_time, zone),
            "to": _local(max(anomaly.last_time, anomaly.first_time + least), zone),
            "kind": words(anomaly.kind),
            "pattern": visible(shortened(anomaly.template, 90)),
            "times": anomaly.count,
        }
        for anomaly in sorted(anomalies, key=lambda a: a.first_time)
    ]
    services = list(dict.fromkeys(str(row["service"]) for row in rows))
    chart: alt.Chart = (
        alt.Chart(_data(rows), height=max(26 * len(services) + 30, 70))
        .mark_bar(height=11, cornerRadius=2, opacity=0.75, color="#D55E00")
        .encode(
            x=_axis(window, zone, "from"),
            x2="to:T",
            y=alt.Y("service:N", sort=services, title=None),
            tooltip=["service:N", "kind:N", "pattern:N", "times:Q"],
        )
    )
    return chart


def _axis(window: tuple[int, int], zone: tzinfo, field: str) -> alt.X:
    domain = [_local(window[0], zone), _local(window[1], zone)]
    return alt.X(
        f"{field}:T",
        title=None,
        scale=alt.Scale(domain=domain, clamp=True),
        axis=alt.Axis(format="%H:%M:%S", tickCount=8),
    )


def _markers(marks: Sequence[TimelineRow], window: tuple[int, int], zone: tzinfo) -> alt.Chart:
    rows: list[dict[str, Any]] = [
        {"at": _wall(mark.at, zone), "kind": words(mark.kind), "text": visible(mark.text[:120])}
        for mark in marks
        if mark.kind != "symptom" and window[0] <= mark.at.timestamp() * 1e9 <= window[1]
    ]
    chart: alt.Chart = (
        alt.Chart(_data(rows))
        .mark_rule(color=MARKER_COLOUR, strokeWidth=2, strokeDash=[4, 3])
        .encode(x=_axis(window, zone, "at"), tooltip=["kind:N", "text:N"])
    )
    return chart


def _wall(moment: datetime, zone: tzinfo) -> str:
    return moment.astimezone(zone).replace(tzinfo=None).isoformat()


def _severity(number: int) -> str:
    if number >= 17:
        return "error and worse"
    return "warn" if number >= 13 else "other"
