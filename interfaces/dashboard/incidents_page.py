"""Incidents: the list with its facets; every choice is in the address."""

from collections.abc import Callable
from typing import Any

import streamlit as st
from markupsafe import Markup

from domain.incidents.incident import State
from domain.knowledge.vocabulary import Criticality, ErrorClass
from interfaces.dashboard.markup import (
    chip,
    confidence_bar,
    criticality_chip,
    state_chip,
    text,
)
from interfaces.dashboard.places import incident_link, link
from interfaces.dashboard.session import api, explained, html, notice, now
from interfaces.dashboard.wording import ago, at_ns, duration, many, shortened, words
from projections.history.answers import IncidentRow

_PAGE = 50
_ANY = "any"
_SORTS: dict[str, Callable[[IncidentRow], Any]] = {
    "most recent": lambda row: -row.last_time,
    "most critical": lambda row: (-_rank(row.criticality), -row.last_time),
    "least sure": lambda row: (row.confidence is None, row.confidence or 0.0),
    "most records": lambda row: -row.record_count,
}


@explained
def incidents_page() -> None:
    """The list."""
    html(Markup("<h1>Incidents</h1>"))
    filters, sort = _facets()
    cursor = st.query_params.get("cursor")
    with st.spinner("Looking incidents up …"):
        page = api().incidents(**filters, limit=_PAGE, cursor=cursor)
    if not page.items:
        _nothing(any(filters.values()))
        return
    for row in sorted(page.items, key=_SORTS[sort]):
        _row(row)
    _paging(filters, sort, cursor, page.next_cursor)


def _facets() -> tuple[dict[str, str | None], str]:
    services = sorted({source.service or source.name for source in api().sources()})
    columns = st.columns([3, 2, 2, 2, 2, 2], gap="small")
    with columns[0]:
        wanted = st.text_input(
            "Text", key="text", bind="query-params", placeholder="title, cause …"
        )
    choices = (
        ("state", "State", [state.value for state in State]),
        ("criticality", "Criticality", [c.value for c in reversed(Criticality)]),
        ("service", "Service", services),
        ("error_class", "Class", [c.value for c in ErrorClass]),
    )
    filters: dict[str, str | None] = {"text": wanted or None}
    for column, (name, label, options) in zip(columns[1:5], choices, strict=True):
        asked = st.query_params.get(name)
        unlisted = [asked] if asked and name == "service" and asked not in services else []
        with column:
            chosen = st.selectbox(
                label,
                [_ANY, *options, *unlisted],
                key=name,
                bind="query-params",
                format_func=words,
            )
        filters[name] = None if chosen == _ANY else chosen
    with columns[5]:
        sort = st.selectbox("Sort this page", list(_SORTS), key="sort", bind="query-params")
    return filters, sort


def _rank(criticality: str) -> int:
    return Criticality(criticality).rank if criticality in set(Criticality) else -1


def _row(row: IncidentRow) -> None:
    with st.container(border=True, gap=None):
        incident_link(row.id, row.title)
        error_class = chip(words(row.error_class)) if row.error_class else Markup("")
        sure = confidence_bar(row.confidence) if row.diagnosed else Markup("not diagnosed yet")
        html(
            Markup("<div>{}{}{}<span class=small>{}</span></div>").format(
                criticality_chip(row.criticality), state_chip(row.state), error_class, sure
            ),
            Markup("<p>{}</p>").format(text(shortened(row.root_cause or "", 300))),
            Markup(
                '<div class="small dim">{} · opened {} · last record {} · lasted {} · {} · {}</div>'
            ).format(
                text(", ".join(row.affected)),
                ago(row.opened_at, now()),
                ago(at_ns(row.last_time), now()),
                duration((row.last_time - row.first_time) / 1e9),
                many(row.record_count, "failing record"),
                text(row.short_id),
            ),
        )


def _nothing(filtered: bool) -> None:
    if filtered:
        notice("No incident fits", "Loosen a filter above, or clear the text.")
    else:
        notice(
            "No incident yet",
            "Healthy logs open none. To see one, run 'aiops ingest PATH' on logs of a failure.",
        )


def _paging(
    filters: dict[str, str | None], sort: str, cursor: str | None, following: str | None
) -> None:
    kept = {name: value for name, value in filters.items() if value}
    if sort != next(iter(_SORTS)):
        kept["sort"] = sort
    left, right, _rest = st.columns([1, 1, 4])
    if cursor:
        with left:
            link("incidents", "Newest", **kept)
    if following:
        with right:
            link("incidents", "Older", **kept, cursor=following)
