"""What a person does to the incident from its page."""

import streamlit as st

from interfaces.dashboard.session import api
from interfaces.dashboard.wording import plain
from projections.history.answers import IncidentDetail


def actions(incident: IncidentDetail) -> None:
    """Acknowledge, resolve, reopen, and the verdict on the diagnosis."""
    by = st.text_input("Your name", key="by", max_chars=80, placeholder="who acts") or "dashboard"
    left, right = st.columns(2)
    if incident.state == "open" and left.button(
        "Acknowledge", type="primary", icon=":material/back_hand:", width="stretch"
    ):
        _act(incident, "acknowledge", by=by)
    if incident.state != "resolved":
        with right.popover("Resolve", icon=":material/check:", width="stretch"):
            note = st.text_area("What helped?", key="resolve-note", max_chars=4000)
            if st.button("Resolve now", type="primary"):
                _act(incident, "resolve", by=by, note=note)
    elif left.button("Reopen", icon=":material/undo:", width="stretch"):
        _act(incident, "reopen", by=by, reason="reopened from the dashboard")
    if incident.diagnosis is not None:
        _verdict(incident, by)


def _verdict(incident: IncidentDetail, by: str) -> None:
    with st.popover("Was the diagnosis right?", icon=":material/rate_review:", width="stretch"):
        correct = st.radio("The root cause is", ["right", "wrong"], horizontal=True) == "right"
        cause = st.text_area(
            "What was it really?", key="verdict-cause", max_chars=4000, disabled=correct
        )
        if st.button("Send", type="primary"):
            told = "" if correct else cause
            _act(incident, "feedback", by=by, correct=correct, root_cause=told, note="")
    for verdict in incident.feedback[-3:]:
        word = "right" if verdict.correct else "wrong"
        st.caption(f"{plain(verdict.by)} says the diagnosis is {word}")


def _act(incident: IncidentDetail, command: str, **body: str | bool) -> None:
    api().command(incident.id, command, **body)
    st.rerun()
