"""What happened in which order: the records, the symptoms, and what was done about them."""

import streamlit as st
from markupsafe import Markup

from interfaces.dashboard import charts
from interfaces.dashboard.markup import join, table, text
from interfaces.dashboard.session import api, html, viewer_zone
from interfaces.dashboard.wording import clock, count, duration, shortened, words
from projections.history.answers import IncidentDetail

_RECORDS = 1_000
_ROWS = 200
_MARGIN = 0.15
_LEAST_MARGIN_NS = 30_000_000_000


def timeline_view(incident: IncidentDetail) -> None:
    """Histogram and spans over one axis, then every moment as a row."""
    zone = viewer_zone()
    span = incident.last_time - incident.first_time
    margin = max(round(span * _MARGIN), _LEAST_MARGIN_NS)
    window = (max(incident.first_time - margin, 0), incident.last_time + margin)
    page = api().records(after=window[0], before=window[1], limit=_RECORDS)
    st.altair_chart(
        charts.histogram(page.items, incident.timeline, window, zone),
        width="stretch",
        alt="Records over time by severity",
    )
    note = "Dashed lines: what was done about it (opened, diagnosed, told), where it falls in here."
    if page.truncated:
        note += f" Shows the newest {count(_RECORDS)} records; there are more."
    html(Markup('<p class="small dim">{}</p>').format(note))
    st.altair_chart(
        charts.spans(incident.anomalies, window, zone),
        width="stretch",
        alt="Which service showed symptoms when",
    )
    _moments(incident)


def _moments(incident: IncidentDetail) -> None:
    zone = viewer_zone()
    rows = [
        (
            Markup('<span class="nw">{}</span>').format(clock(row.at, zone)),
            Markup('<span class="nw">+{}</span>').format(
                duration(max(row.at.timestamp() - incident.first_time / 1e9, 0))
            ),
            words(row.kind),
            shortened(row.text, 400),
        )
        for row in incident.timeline[:_ROWS]
    ]
    rest = len(incident.timeline) - len(rows)
    more = Markup('<p class="dim">and {} more</p>').format(rest)
    html(table(("when", "after", "what", ""), rows), more if rest > 0 else Markup(""))
    changes = incident.context.changes if incident.context else []
    if changes:
        html(
            Markup("<h2>Changes near it</h2><ul>{}</ul>").format(
                join(
                    Markup("<li>{}: {}</li>").format(text(c.service), text(c.what)) for c in changes
                )
            )
        )
