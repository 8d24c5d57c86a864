"""Search: incidents and patterns by word and meaning, and records where they lie."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import streamlit as st
from markupsafe import Markup

from application.searching import SearchHit
from application.searching_records import terms_of
from domain.logs.alike import group_alike
from domain.logs.record import SEVERITY_NAMES
from interfaces.api.answers import RecordView
from interfaces.dashboard.markup import MAX_LINE, excerpt, found, join, log_line, text
from interfaces.dashboard.places import incident_link, link
from interfaces.dashboard.session import api, explained, html, notice, now, viewer_zone
from interfaces.dashboard.wording import ago, at_ns, clock, count, shortened, words

_ANY = "any"
_SPANS = {"any time": None, "15 min": 15, "1 h": 60, "24 h": 1440, "7 d": 10_080}
_RECORDS = 200
_HITS = 40
_OF_A_KIND = 5
"""Hits of one kind shown; the others are one click away."""
_GROUPS = 25
"""Kinds of records shown."""
_REFS = 8
_TITLE = 110


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
    with st.spinner("Searching by word and meaning …"):
        answer = api().search(query, limit=_HITS)
    if answer.degraded:
        html(Markup('<p class="dim">by words alone: {}</p>').format(text(answer.degraded)))
    if not answer.hits:
        told = "Nothing found. Try fewer or other words."
        html(Markup('<h2>Incidents and patterns (0)</h2><p class="dim">{}</p>').format(told))
    kinds = {hit.kind for hit in answer.hits}
    for kind in sorted(kinds):  # incidents before patterns
        hits = [hit for hit in answer.hits if hit.kind == kind]
        html(Markup("<h2>{}s ({})</h2>").format(kind.capitalize(), len(hits)))
        for hit in hits[:_OF_A_KIND]:
            _hit(hit)
        if len(hits) > _OF_A_KIND:
            rest = [join([_title(hit), _details(hit)]) for hit in hits[_OF_A_KIND:]]
            html(_folded(Markup("{} more").format(len(rest)), join(rest)))


def _hit(hit: SearchHit) -> None:
    with st.container(gap=None):
        if hit.kind == "incident":
            incident_link(hit.id, hit.title)
            html(_folded(Markup("why it was found"), _details(hit)))
        else:
            html(_folded(_title(hit), _details(hit)))


def _title(hit: SearchHit) -> Markup:
    return Markup("<code>{}</code>").format(text(shortened(hit.title, _TITLE)))


def _details(hit: SearchHit) -> Markup:
    why = ", ".join(
        f"{words(found_by.kind)} by {found_by.by}, rank {found_by.rank}"
        for found_by in hit.found_by
    )
    return Markup('<div class="small">{}</div><div class="small dim">{}</div>').format(
        found(shortened(hit.snippet or hit.title, 300)), text(why)
    )


def _folded(line: Markup, inside: Markup) -> Markup:
    """One line; the rest at a click."""
    return Markup("<details><summary>{}</summary><div>{}</div></details>").format(line, inside)


def _records(query: str, source: str | None, severity: str | None, minutes: int | None) -> None:
    after = None
    if minutes is not None:
        after = int((datetime.now(UTC) - timedelta(minutes=minutes)).timestamp() * 1e9)
    with st.spinner("Reading records …"):
        page = api().records(
            text=query, source=source, min_severity=severity, after=after, limit=_RECORDS
        )
    note = f"the newest {count(_RECORDS)}" if page.truncated else count(len(page.items))
    html(Markup("<h2>Records, newest first ({})</h2>").format(note))
    if not page.items:
        html(Markup('<p class="dim">Nothing found. No record holds these words.</p>'))
        return
    terms = terms_of(query)
    alike = group_alike(reversed(page.items), lambda r: r.text, lambda r: (r.source, r.severity))
    html(join(_group(records, terms) for records in alike[:_GROUPS]))
    if len(alike) > _GROUPS:
        told = f"{len(alike) - _GROUPS} other kinds of records hold these words; narrow the search."
        html(Markup('<p class="dim">{}</p>').format(told))


def _group(records: list[RecordView], terms: tuple[str, ...]) -> Markup:
    """Records that say the same as one line, each of them a link inside."""
    zone, last = viewer_zone(), records[0]
    times = Markup("<b>{} times</b> ").format(len(records)) if len(records) > 1 else ""
    line = Markup('{}{} <span class="small dim">{} · {} · {}</span>').format(
        times,
        Markup("<code>{}</code>").format(excerpt(last.text.partition("\n")[0], terms, _TITLE)),
        text(last.source),
        last.severity,
        clock(at_ns(last.time), zone),
    )
    links = join(
        Markup('<a href="search?source={}&sequence={}" target="_self">{}</a> {}<br>').format(
            quote(each.source, safe=""),
            each.sequence,
            text(each.ref),
            clock(at_ns(each.time), zone),
        )
        for each in records[:_REFS]
    )
    rest = f"and {len(records) - _REFS} more" if len(records) > _REFS else ""
    return _folded(
        line,
        Markup('<code>{}</code><div class="small">{}{}</div>').format(
            excerpt(last.original, terms), links, rest
        ),
    )


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
