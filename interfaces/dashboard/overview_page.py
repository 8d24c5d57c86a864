"""Overview: what needs me now, then how everything does."""

import streamlit as st
from markupsafe import Markup

from domain.knowledge.vocabulary import Criticality
from domain.logs.record import severity_name
from interfaces.dashboard import charts
from interfaces.dashboard.markup import (
    chip,
    criticality_chip,
    join,
    state_chip,
    table,
    text,
    tile,
)
from interfaces.dashboard.places import incident_link
from interfaces.dashboard.session import api, explained, html, now, viewer_zone
from interfaces.dashboard.wording import DASH, ago, at_ns, count, duration, rate, shortened, words
from projections.dashboard.answers import Agents, IncidentCard, Overview, PatternCount, SourceHealth

_WINDOWS = {"1 h": 60, "3 h": 180, "12 h": 720, "24 h": 1440}
_SHOWN = 6
"""Open incidents shown; the rest is behind the link to the list."""


@explained
def overview_page() -> None:
    """The first page."""
    window = st.segmented_control(
        "Window",
        list(_WINDOWS),
        default="3 h",
        required=True,
        key="window",
        bind="query-params",
        label_visibility="collapsed",
    )
    _live(_WINDOWS[window or "3 h"])


@st.fragment(run_every="10s")
def _live(minutes: int) -> None:
    _content(minutes)


def _content(minutes: int) -> None:
    @explained
    def content() -> None:
        with st.spinner("Asking what needs you …"):
            overview = api().overview(minutes)
        _needs_me(overview)
        _tiles(overview)
        _rates(overview, minutes)
        left, right = st.columns(2, gap="medium")
        with left:
            _sources(overview.sources)
            _agents(overview.agents)
        with right:
            _patterns("Top patterns", overview.patterns)
            _patterns("New patterns", overview.new_patterns)

    content()


def _needs_me(overview: Overview) -> None:
    cards = sorted(
        overview.open_incidents,
        key=lambda card: (card.state != "open", -_rank(card.criticality), -card.last_time),
    )
    if not cards:
        words_ = "No open incident." if overview.records else "No records yet."
        hint = (
            "The sources below are being watched."
            if overview.records
            else "Send some: aiops ingest PATH, or POST lines to /api/v1/logs."
        )
        html(
            Markup('<div class="card do"><div class="lead">{}</div><p>{}</p></div>').format(
                f"Nothing needs you now. {words_}", hint
            )
        )
    else:
        html(Markup("<h2>{}</h2>").format(f"Needs you now ({len(cards)})"))
    for card in cards[:_SHOWN]:
        _card(card)
    if len(cards) > _SHOWN:
        html(Markup('<p class="dim">{} more on the page Incidents</p>').format(len(cards) - _SHOWN))
    for problem in overview.health.problems:
        html(Markup('<p class="bad">▲ {}</p>').format(text(problem)))


def _rank(criticality: str) -> int:
    return Criticality(criticality).rank if criticality in set(Criticality) else -1


def _card(card: IncidentCard) -> None:
    with st.container(border=True, gap=None):
        incident_link(card.id, card.title)
        cause = card.root_cause or "the cause is being looked for"
        html(
            Markup("<p>{}{}{}{}</p>").format(
                criticality_chip(card.criticality),
                state_chip(card.state),
                chip(words(card.error_class)) if card.error_class else "",
                text(shortened(cause, 260)),
            ),
            Markup('<div class="small dim">{} · opened {} · last record {} · {}</div>').format(
                text(card.service),
                ago(card.opened_at, now()),
                ago(at_ns(card.last_time), now()),
                text(card.short_id),
            ),
        )


def _tiles(overview: Overview) -> None:
    minutes = max(len(overview.records_per_minute), 1)
    records = sum(point.count for point in overview.records_per_minute)
    errors = sum(point.count for point in overview.errors_per_minute)
    failed = sum(source.status == "failed" for source in overview.sources)
    states = overview.incidents_by_state
    html(
        Markup('<div class="tiles">{}</div>').format(
            join(
                [
                    tile("open incidents", count(states.get("open", 0))),
                    tile("acknowledged", count(states.get("acknowledged", 0))),
                    tile("records per minute", rate(records / minutes), "mean of the window"),
                    tile("errors per minute", rate(errors / minutes), "mean of the window"),
                    tile("time to detect", duration(overview.mttd_seconds), "mean, first record"),
                    tile("time to resolve", duration(overview.mttr_seconds), "mean, resolved"),
                    tile("sources", count(len(overview.sources)), f"{failed} failing"),
                ]
            )
        )
    )


def _rates(overview: Overview, minutes: int) -> None:
    if not any(point.count for point in overview.records_per_minute):
        html(Markup('<p class="dim">No record in the last {}.</p>').format(duration(minutes * 60)))
        return
    charts_ = charts.rates(overview.records_per_minute, overview.errors_per_minute, viewer_zone())
    names = ("Records per minute", "Errors per minute")
    for column, chart, name in zip(st.columns(2, gap="medium"), charts_, names, strict=True):
        with column:
            html(Markup("<h2>{}</h2>").format(name))
            st.altair_chart(chart, width="stretch", alt=name)


def _sources(sources: list[SourceHealth]) -> None:
    rows = [
        (
            Markup('<span class="{}">{}</span>').format(
                "bad" if source.status == "failed" else "ok",
                "▲ failed" if source.status == "failed" else "✓ " + source.status,
            ),
            source.name,
            count(source.records),
            count(source.errors),
            ago(at_ns(source.last_time), now()) if source.last_time else DASH,
            shortened(source.last_problem or "", 160),
        )
        for source in sorted(sources, key=lambda s: (s.status != "failed", s.name))[:20]
    ]
    html(
        Markup("<h2>Sources</h2>"),
        table(("state", "source", "records", "errors", "last record", "problem"), rows, (2, 3))
        if rows
        else Markup('<p class="dim">No source yet.</p>'),
    )


def _patterns(title: str, patterns: list[PatternCount]) -> None:
    rows = [
        (
            count(pattern.count),
            severity_name(pattern.severity_number),
            Markup("<code>{}</code>").format(text(shortened(pattern.template, 140))),
            Markup('<span class="nw">{}</span>').format(ago(pattern.discovered_at, now())),
        )
        for pattern in patterns[:8]
    ]
    html(
        Markup("<h2>{}</h2>").format(title),
        table(("times", "severity", "pattern", "first seen"), rows, (0,))
        if rows
        else Markup('<p class="dim">None yet.</p>'),
    )


def _agents(agents: Agents) -> None:
    rows = [
        (
            step.step,
            step.engine,
            count(step.completed),
            count(step.failed),
            count(step.fell_back),
            duration(step.mean_seconds),
            duration(step.max_seconds),
        )
        for step in agents.steps
    ]
    headings = ("step", "engine", "done", "failed", "fell back", "mean", "longest")
    html(
        Markup("<h2>Agents</h2><p class='small dim'>{}</p>").format(
            f"{agents.concluded} of {agents.investigations} investigations concluded"
        ),
        table(headings, rows, range(2, 7)) if rows else Markup(""),
    )
    if agents.models:
        models = [
            (
                m.model,
                count(m.calls),
                count(m.errors),
                f"${m.cost_usd:.4f}",
                duration(m.mean_seconds),
            )
            for m in agents.models
        ]
        html(table(("model", "calls", "errors", "cost", "mean"), models, range(1, 5)))
    for endpoint in agents.open_circuits:
        html(
            Markup('<p class="bad">▲ no calls to {} for now: it failed too often</p>').format(
                text(endpoint)
            )
        )
