"""Search: incidents and patterns by word and meaning, and records where they lie."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import streamlit as st
from markupsafe import Markup

from application.searching import SearchHit
from application.searching_records import terms_of
from domain.logs.record import SEVERITY_NAMES
from interfaces.api.answers import RecordView
from interfaces.dashboard.markup import MAX_LINE, chip, excerpt, found, join, log_line, table, text
from interfaces.dashboard.places import incident_link, link
from interfaces.dashboard.session import api, explained, html, notice, now, viewer_zone
from interfaces.dashboard.wording import ago, at_ns, clock, count, shortened, words

_ANY = "any"
_SPANS = {"any time": None, "15 min": 15, "1 h": 60, "24 h": 1440, "7 d": 10_080}
_RECORDS = 200
_HITS = 10


@explained
def search_page() -> None:
    """`?q=` searches; `?source=` and `?sequence=` show one record among its neighbours."""
    sequence = st.query_params.get("sequence", "")
    source = st.query_params.get("source", "")
    if source and sequence.isdigit():
        _context(source, int(sequence))
        return
    html(Markup("<h1>Search</h1>"))
    query = st.text_input(
        "Search",
        key="q",
        bind="query-params",
        placeholder="an error code, words of a message, or what went wrong in your words",
        label_visibility="collapsed",
    )
    chosen, severity, minutes = _filters()
    if not query:
        notice("Type what you look for", "Words are matched as they are, and by their meaning.")
        return
    left, right = st.columns([2, 3], gap="medium")
    with left:
        _hits(query)
    with right:
        _records(query, chosen, severity, minutes)


def _filters() -> tuple[str | None, str | None, int | None]:
    columns = st.columns([2, 2, 2, 4])
    names = [source.name for source in api().sources()]
    severities = [name for number, name in SEVERITY_NAMES.items() if number]
    with columns[0]:
        source = st.selectbox("Records of", [_ANY, *names], key="from", bind="query-params")
    with columns[1]:
        severity = st.selectbox("At least", [_ANY, *severities], key="least", bind="query-params")
    with columns[2]:
        span = st.selectbox("Within", list(_SPANS), key="within", bind="query-params")
    return (
        None if source == _ANY else source,
        None if severity == _ANY else severity,
        _SPANS[span],
    )


def _hits(query: str) -> None:
    answer = api().search(query, limit=_HITS)
    html(Markup("<h2>Incidents and patterns ({})</h2>").format(len(answer.hits)))
    if not answer.hits:
        html(Markup('<p class="dim">Nothing fits. Try fewer words.</p>'))
    if answer.degraded:
        html(Markup('<p class="dim">by words alone: {}</p>').format(text(answer.degraded)))
    for hit in answer.hits:
        _hit(hit)


def _hit(hit: SearchHit) -> None:
    why = ", ".join(
        f"{words(found_by.kind)} by {found_by.by}, rank {found_by.rank}"
        for found_by in hit.found_by
    )
    with st.container(border=True, gap=None):
        if hit.kind == "incident":
            incident_link(hit.id, hit.title)
        else:
            html(Markup("<p><code>{}</code></p>").format(text(shortened(hit.title, 300))))
        html(
            Markup('<div class="small">{}{}</div><div class="small dim">{}</div>').format(
                chip(hit.kind), found(shortened(hit.snippet, 300)), text(why)
            )
        )


def _records(query: str, source: str | None, severity: str | None, minutes: int | None) -> None:
    after = None
    if minutes is not None:
        after = int((datetime.now(UTC) - timedelta(minutes=minutes)).timestamp() * 1e9)
    page = api().records(
        text=query, source=source, min_severity=severity, after=after, limit=_RECORDS
    )
    note = f"the newest {count(_RECORDS)}" if page.truncated else count(len(page.items))
    html(Markup("<h2>Records, newest first ({})</h2>").format(note))
    if not page.items:
        html(Markup('<p class="dim">No record holds these words.</p>'))
        return
    zone, terms = viewer_zone(), terms_of(query)
    rows = [
        (
            Markup('<span class="nw">{}</span>').format(clock(at_ns(record.time), zone)),
            record.severity,
            Markup("<code>{}</code><br><code>{}</code>").format(
                Markup('<a href="search?source={}&sequence={}" target="_self">{}</a>').format(
                    quote(record.source, safe=""), record.sequence, text(record.ref)
                ),
                excerpt(record.original, terms),
            ),
        )
        for record in reversed(page.items)
    ]
    html(table(("time", "severity", "record"), rows))


def _context(source: str, sequence: int) -> None:
    asked = st.query_params.get("count", "10")
    size = min(max(int(asked), 1), 200) if asked.isdigit() else 10
    context = api().context(source, sequence, size)
    record = context.record
    html(
        Markup("<h1>{}</h1><p class='small dim'>{}</p>").format(
            text(record.ref),
            text(
                f"line {record.line} · {clock(at_ns(record.time), viewer_zone())} "
                f"({ago(at_ns(record.time), now())}) · {record.severity} · {record.service}"
            ),
        ),
        Markup('<div class="log">{}</div>').format(
            join(
                [
                    *(_near(near) for near in context.before),
                    log_line(record.line, record.original, "hit"),
                    *(_near(near) for near in context.after),
                ]
            )
        ),
    )
    params = {"source": source, "sequence": str(sequence)}
    link("search", "More lines around it", **params, count=str(min(size * 3, 200)))
    if len(record.original) > MAX_LINE:
        st.code(record.original[:200_000], language=None, wrap_lines=True)


def _near(record: RecordView) -> Markup:
    return log_line(record.line, record.original)
