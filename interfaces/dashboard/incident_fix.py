"""What to do: now, then for good, how to check it, how to take it back. Never executed by us."""

import re

import streamlit as st
from markupsafe import Markup

from interfaces.dashboard.markup import bullets, join, text
from interfaces.dashboard.session import html, notice
from interfaces.dashboard.wording import visible
from projections.history.answers import IncidentDetail

_COMMAND = re.compile(r"`([^`\n]{2,2000})`")


def do_now(incident: IncidentDetail) -> None:
    """The mitigation, in the first screen."""
    remediation = incident.remediation
    if remediation is None:
        return
    summary = remediation.summary
    if any(step in summary for step in remediation.mitigation):  # the list below says it
        summary = ""
    html(
        Markup('<div class="card do"><div class="small dim">Do now</div>{}{}{}</div>').format(
            Markup('<div class="lead">{}</div>').format(text(summary)) if summary else "",
            bullets(remediation.mitigation, ordered=True),
            join(Markup('<p class="bad">▲ {}</p>').format(text(w)) for w in remediation.warnings),
        )
    )
    commands(remediation.mitigation)


def commands(steps: list[str]) -> None:
    """Every command in backticks once more, with a button that copies it."""
    found = dict.fromkeys(command for step in steps for command in _COMMAND.findall(step))
    for command in found:
        st.code(visible(command), language="bash", wrap_lines=True)


def fix_view(incident: IncidentDetail) -> None:
    """Steps, configuration, patches, verification, rollback."""
    remediation = incident.remediation
    if remediation is None:
        notice("No fix yet", "It is proposed when the investigation has concluded.")
        return
    parts = (
        ("Fix it for good", remediation.steps),
        ("Configuration", remediation.configuration),
    )
    for title, steps in parts:
        _part(title, steps)
    for patch in remediation.patches:
        kind = "sketch: the file itself was not seen" if patch.sketch else "patch"
        html(
            Markup('<h2>{}</h2><p class="small dim">{}</p>').format(text(patch.path), kind),
        )
        st.code(visible(patch.diff), language="diff", wrap_lines=True)
    left, right = st.columns(2, gap="medium")
    with left:
        _part("Verify", remediation.verify)
    with right:
        _part("Take it back", remediation.rollback)


def _part(title: str, steps: list[str]) -> None:
    if not steps:
        return
    if any("\n" in step for step in steps):  # a snippet of a file: its line breaks matter
        html(Markup("<h2>{}</h2>").format(title))
        for step in steps:
            st.code(visible(step), language=None, wrap_lines=True)
        return
    html(Markup("<h2>{}</h2>{}").format(title, bullets(steps, ordered=True)))
    commands(steps)
