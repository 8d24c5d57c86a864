"""One incident: root cause first, with its proof; then what to do; then everything behind it."""

from collections.abc import Callable

import streamlit as st
from markupsafe import Markup

from domain.investigations.report import without
from interfaces.dashboard.incident_actions import actions
from interfaces.dashboard.incident_audit import audit_view
from interfaces.dashboard.incident_evidence import evidence_view, proof
from interfaces.dashboard.incident_fix import do_now, fix_view
from interfaces.dashboard.incident_reasons import hypotheses_view, similar_view
from interfaces.dashboard.incident_timeline import timeline_view
from interfaces.dashboard.markup import (
    chip,
    confidence_bar,
    criticality_chip,
    join,
    state_chip,
    text,
)
from interfaces.dashboard.places import link
from interfaces.dashboard.session import api, explained, html, notice, now, viewer_zone
from interfaces.dashboard.wording import ago, at_ns, clock, count, duration, many, words
from projections.history.answers import IncidentDetail

_VIEWS: dict[str, Callable[[IncidentDetail], None]] = {
    "Fix": fix_view,
    "Evidence": evidence_view,
    "Hypotheses": hypotheses_view,
    "Timeline": timeline_view,
    "Similar": similar_view,
    "How we got here": audit_view,
}


@explained
def incident_page() -> None:
    """The incident that `?id=` names; `?view=` opens one of the views below it."""
    wanted = st.query_params.get("id", "")
    if not wanted:
        notice("No incident chosen", "Pick one from the list of incidents.")
        link("incidents", "All incidents")
        return
    with st.spinner("Looking the incident up …"):
        incident = api().incident(wanted)
    _head(incident)
    left, right = st.columns([4, 3], gap="medium")
    with left:
        _cause(incident)
    with right:
        do_now(incident)
    left, right = st.columns([4, 3], gap="medium")
    with left:
        _facts(incident)
    with right:
        actions(incident)
    st.session_state.setdefault("view", "Fix" if incident.diagnosed else "Evidence")
    view = st.segmented_control(
        "View",
        list(_VIEWS),
        default=None,
        required=True,
        key="view",
        bind="query-params",
        label_visibility="collapsed",
    )
    _VIEWS[view or "Evidence"](incident)


def _head(incident: IncidentDetail) -> None:
    chips = [criticality_chip(incident.criticality), state_chip(incident.state)]
    if incident.error_class:
        chips.append(chip(words(incident.error_class)))
    chips.append(chip(incident.service))
    story = incident.report.summary if incident.report else incident.reason
    story = without(story, incident.root_cause or "")  # the card below says it
    html(
        join(chips),
        Markup("<h1>{}</h1>").format(text(incident.title)),
        Markup("<p>{}</p>").format(text(story)),
    )


def _cause(incident: IncidentDetail) -> None:
    diagnosis = incident.diagnosis
    if diagnosis is None:
        notice(
            "The cause is being looked for",
            "The agents have not concluded yet; this page shows it when they have. "
            "The evidence is below already.",
        )
        st.button("Look again", icon=":material/refresh:")
        return
    label = "Root cause" if diagnosis.cause_visible else "Cause not in these logs"
    html(
        Markup(
            '<div class="card cause"><div class="small dim">{} · {} · confidence {}</div>'
            '<div class="lead">{}</div><p>{}</p>{}{}</div>'
        ).format(
            label,
            text(diagnosis.service),
            confidence_bar(diagnosis.confidence),
            text(diagnosis.root_cause),
            text(diagnosis.explanation),
            proof(incident, diagnosis.citations),
            _findings(diagnosis.findings),
        )
    )


def _findings(findings: list[str]) -> Markup:
    return join(Markup('<p class="bad">▲ {}</p>').format(text(finding)) for finding in findings)


def _facts(incident: IncidentDetail) -> None:
    zone = viewer_zone()
    reason = incident.diagnosis.criticality_reason if incident.diagnosis else ""
    first, last = at_ns(incident.first_time), at_ns(incident.last_time)
    symptoms = len({anomaly.key for anomaly in incident.anomalies})
    urgent = "why critical" if incident.criticality == "critical" else "why this urgent"
    facts = [
        ("first record", f"{clock(first, zone)} ({ago(first, now())})"),
        ("last record", f"{clock(last, zone)} ({ago(last, now())})"),
        ("lasted", duration((incident.last_time - incident.first_time) / 1e9)),
        ("opened", ago(incident.opened_at, now())),
        ("services", ", ".join(incident.affected)),
        (
            "failing records so far",
            (
                f"{count(incident.record_count)}, showing {many(symptoms, 'symptom')} "
                "(a symptom: one service failing in one way)"
            ),
        ),
        ("opened because", incident.reason if incident.report else ""),
        (urgent, f"{reason} (when it was diagnosed)" if reason else ""),
        ("id", incident.short_id),
    ]
    html(
        Markup('<div class="facts">{}</div>').format(
            join(
                Markup('<div><span class="small dim">{}</span><br>{}</div>').format(
                    label, text(value)
                )
                for label, value in facts
                if value
            )
        )
    )
