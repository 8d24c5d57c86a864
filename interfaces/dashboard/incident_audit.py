"""How we got here: each fact with what caused it, from the mail back to the bytes of the log."""

import streamlit as st
from markupsafe import Markup

from application.auditing import AuditEntry
from interfaces.dashboard.markup import join, table, text
from interfaces.dashboard.session import api, html, notice, viewer_zone
from interfaces.dashboard.wording import clock, count, duration, shortened, visible, words
from projections.history.answers import IncidentDetail, InvestigationRow

_SHOWN = 300


def audit_view(incident: IncidentDetail) -> None:
    """The agents' runs, the mails, the chain."""
    for investigation in incident.investigations:
        _investigation(investigation)
    _notifications(incident)
    _hashes(incident)
    trail = api().audit(incident.id)
    html(Markup("<h2>Every fact, the last one first</h2>"))
    newest_first = st.toggle("Walk from the end back to the bytes", value=True, key="backwards")
    events = list(reversed(trail.events)) if newest_first else trail.events
    if not events:
        notice("No fact recorded", "This incident's story has no events; run 'aiops verify'.")
    positions = {str(entry.id): entry.position for entry in trail.events}
    html(
        Markup('<div class="chain">{}</div>').format(
            join(_fact(entry, positions) for entry in events[:_SHOWN])
        )
    )
    if len(events) > _SHOWN:
        html(
            Markup("<p class=dim>{} more: aiops audit {}</p>").format(
                count(len(events) - _SHOWN), incident.short_id
            )
        )


def _fact(entry: AuditEntry, positions: dict[str, int]) -> Markup:
    cause = str(entry.causation_id) if entry.causation_id else ""
    because = "begun from outside"
    if cause:
        place = positions.get(cause)
        because = f"because of {place}" if place else f"because of {cause}"
    return Markup(
        '<div class="fact"><b>{}</b> <span class="small dim">#{} · {} · {} · {}</span>'
        '<div>{}</div><code class="dim">{}</code></div>'
    ).format(
        text(_spaced(entry.event)),
        entry.position,
        clock(entry.at, viewer_zone()),
        text(entry.actor),
        because,
        text(shortened(entry.summary, 400)),
        str(entry.id),
    )


def _spaced(event: str) -> str:
    return "".join(f" {c}" if c.isupper() and place else c for place, c in enumerate(event))


def _investigation(run: InvestigationRow) -> None:
    calls, models = len(run.tool_calls), len(run.model_calls)
    html(
        Markup('<h2>Investigation {}</h2><p class="small">{}</p>').format(
            run.ordinal,
            text(
                f"engine {run.engine} · {run.outcome or 'still running'} · "
                f"{duration(run.seconds)} · {calls} look-ups · {models} model calls · "
                f"saw everything up to position {run.as_of}"
            ),
        ),
        table(
            ("step", "engine", "status", "took", "why"),
            [
                (s.step, s.engine, words(s.status), duration(s.seconds), shortened(s.reason, 300))
                for s in run.steps
            ],
        ),
    )
    if run.tool_calls or run.model_calls or run.fallbacks:
        with st.expander("What the agents looked up and were told"):
            _calls(run)


def _calls(run: InvestigationRow) -> None:
    rows = [
        (
            c.step,
            c.tool,
            shortened(str(c.arguments), 200),
            shortened(c.result_summary, 300),
            Markup("<code>{}</code>").format(c.result_hash[:12]),
        )
        for c in run.tool_calls
    ]
    html(table(("step", "look-up", "asked", "found", "hash"), rows))
    for fallback in run.fallbacks:
        html(
            Markup('<p class="bad">▲ {}: {} gave way to {}: {}</p>').format(
                text(fallback.step),
                text(fallback.from_engine),
                text(fallback.to_engine),
                text(fallback.reason),
            )
        )
    for call in run.model_calls:
        html(
            Markup("<p><b>{}</b> <span class='small dim'>{}</span></p>").format(
                text(call.model),
                text(
                    f"{call.step} · {call.input_tokens}+{call.output_tokens} tokens · {call.error}"
                ),
            )
        )
        for message in call.messages:
            _said(str(message.get("content", "")))
        _said(call.answer)


def _said(words_: str) -> None:
    st.code(visible(shortened(words_, 6000)), language=None, wrap_lines=True)


def _notifications(incident: IncidentDetail) -> None:
    rows = [
        (n.channel, n.recipient, n.subject, n.status, str(n.attempts), n.message_id or n.reason)
        for n in incident.notifications
    ]
    if rows:
        headings = ("channel", "to", "subject", "status", "tries", "message id")
        html(Markup("<h2>Who was told</h2>"), table(headings, rows))


def _hashes(incident: IncidentDetail) -> None:
    chunks: dict[str, list[str]] = {}
    for anomaly in incident.anomalies:
        for evidence in anomaly.evidence:
            chunks.setdefault(evidence.chunk_hash, []).append(evidence.record.ref)
    rows = [
        (Markup("<code>{}</code>").format(text(digest)), shortened(", ".join(refs), 200))
        for digest, refs in chunks.items()
    ]
    html(
        Markup("<h2>Bytes it stands on</h2>"),
        table(("SHA-256 of the chunk", "records cited from it"), rows[:50]),
    )
