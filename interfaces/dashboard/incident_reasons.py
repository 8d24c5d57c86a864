"""Why we think so: the hypotheses with what speaks for and against them; incidents like this."""

from markupsafe import Markup

from domain.investigations.diagnosis import Hypothesis
from interfaces.dashboard.incident_evidence import proof
from interfaces.dashboard.markup import bullets, chip, confidence_bar, join, text
from interfaces.dashboard.places import incident_link
from interfaces.dashboard.session import html, notice
from interfaces.dashboard.wording import percent, words
from projections.history.answers import IncidentDetail


def hypotheses_view(incident: IncidentDetail) -> None:
    """Every hypothesis, likeliest first."""
    if incident.diagnosis is None:
        notice("No hypothesis yet", "The investigation has not concluded.")
        return
    for place, hypothesis in enumerate(incident.diagnosis.hypotheses, 1):
        _hypothesis(incident, place, hypothesis)


def _hypothesis(incident: IncidentDetail, place: int, hypothesis: Hypothesis) -> None:
    reasons = (
        ("For", hypothesis.explains),
        ("Against", hypothesis.against),
        ("Check next", hypothesis.check_next),
    )
    told = join(
        Markup("<div class='small dim'>{}</div>{}").format(label, bullets(items))
        for label, items in reasons
        if items
    )
    rule = f"rule {hypothesis.rule_id}" if hypothesis.rule_id else ""
    html(
        Markup(
            '<div class="card {}"><div>{}{}{} <span class="small dim">{}</span></div>'
            '<div class="lead">{}. {}</div>{}{}</div>'
        ).format(
            "cause" if place == 1 else "quiet",
            chip(words(hypothesis.error_class)),
            chip(hypothesis.service),
            confidence_bar(hypothesis.confidence),
            text(rule),
            place,
            text(hypothesis.root_cause),
            told,
            proof(incident, hypothesis.citations),
        )
    )


def similar_view(incident: IncidentDetail) -> None:
    """Past incidents that the context step found alike."""
    similar = incident.context.similar if incident.context else []
    if not similar:
        notice(
            "Nothing like it before", "No past incident was found alike when it was looked into."
        )
    for past in similar:
        incident_link(past.incident_id, past.title)
        html(
            Markup("<p>{}{} <span class=small>{} alike</span><br>{}</p>").format(
                chip(words(past.error_class)),
                chip("confirmed by a person") if past.confirmed else "",
                percent(past.similarity),
                text(past.root_cause),
            )
        )
