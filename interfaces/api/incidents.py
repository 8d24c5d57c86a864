"""Incidents: the list, one of them, its audit trail, and what people do to it."""

import time
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from application.auditing import AuditTrail, UnknownId
from domain.incidents.incident import IncidentClosed, State
from domain.knowledge.vocabulary import Criticality, ErrorClass
from interfaces.api.backend import Backend, CommandResult
from interfaces.api.parts import System
from interfaces.api.problems import ProblemRaised, bad_request, not_found, responses
from projections.history.answers import AmbiguousId, IncidentDetail, IncidentPage

router = APIRouter(prefix="/api/v1", tags=["incidents"])

VISIBLE_WITHIN_SECONDS = 2.0
"""How long a command waits for the read model to show what it did."""

IncidentId = Annotated[
    str,
    Path(
        description="The incident's id, or an unmistakable beginning of it.",
        max_length=64,
        examples=["5f0c2a91"],
    ),
]
By = Annotated[
    str, Field(min_length=1, max_length=80, description="Who says so.", examples=["ada"])
]


class Acknowledgement(BaseModel):
    """Someone takes the incident."""

    by: By = "api"


class Resolution(BaseModel):
    """The incident is over."""

    by: By = "api"
    note: str = Field("", max_length=4000, examples=["restarted the database"])


class Reopening(BaseModel):
    """The incident is not over after all."""

    by: By = "api"
    reason: str = Field("", max_length=4000, examples=["it came back"])


class Verdict(BaseModel):
    """Whether the diagnosis was right, and what the cause really was."""

    by: By = "api"
    correct: bool
    root_cause: str = Field("", max_length=4000, examples=["the disk of db1 was full"])
    note: str = Field("", max_length=4000)


@router.get("/incidents", summary="Find incidents", responses=responses(400, 421, 422))
def list_incidents(
    system: System,
    state: State | None = None,
    service: Annotated[str | None, Query(max_length=200)] = None,
    criticality: Criticality | None = None,
    error_class: ErrorClass | None = None,
    text: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[
        str | None, Query(max_length=500, description="`next_cursor` of the page before.")
    ] = None,
) -> IncidentPage:
    """Most recent first. Follow `next_cursor` until it is null."""
    try:
        return system.history.incidents(
            state=state and state.value,
            service=service,
            criticality=criticality and criticality.value,
            error_class=error_class and error_class.value,
            text=text,
            limit=limit,
            cursor=cursor,
        )
    except ValueError as error:
        raise bad_request(
            "broken-cursor",
            "The cursor is not one of ours",
            f"{error}; start again without a cursor",
        ) from error


@router.get(
    "/incidents/{incident_id}", summary="One incident", responses=responses(400, 404, 421, 422)
)
def get_incident(system: System, incident_id: IncidentId) -> IncidentDetail:
    """Everything known: diagnosis, evidence, remediation, investigations, notifications."""
    return found_incident(system, incident_id)


def found_incident(system: Backend, incident_id: str) -> IncidentDetail:
    """The incident, or the problem that says why not (404, or 400 when several fit)."""
    try:
        found = system.history.incident(incident_id)
    except AmbiguousId as error:
        raise bad_request("ambiguous-id", "Several incidents fit", str(error)) from error
    if found is None:
        raise not_found("incident", incident_id, "GET /api/v1/incidents lists them")
    return found


@router.get(
    "/incidents/{incident_id}/audit",
    summary="How we got to this",
    tags=["audit"],
    responses=responses(400, 404, 421, 422),
)
def audit_incident(system: System, incident_id: IncidentId) -> AuditTrail:
    """Every event of the incident's story, from the bytes of the log to the mail, cause first."""
    return audit_trail(system, found_incident(system, incident_id).id)


@router.get(
    "/audit/{any_id}",
    summary="How anything came to be",
    tags=["audit"],
    responses=responses(400, 404, 421, 422),
)
def audit_anything(
    system: System,
    any_id: Annotated[
        str, Path(max_length=200, description="Id of an event, incident, investigation, mail ...")
    ],
) -> AuditTrail:
    """The same for any id that anything here ever printed."""
    return audit_trail(system, any_id)


def audit_trail(system: Backend, any_id: str) -> AuditTrail:
    """The trail, or a 404 problem."""
    try:
        return system.audit(any_id)
    except UnknownId as error:
        raise ProblemRaised(404, "not-found", "Nothing has this id", str(error)) from error


_COMMAND = responses(400, 403, 404, 409, 421, 422)


@router.post("/incidents/{incident_id}/acknowledge", summary="Take it", responses=_COMMAND)
def acknowledge(system: System, incident_id: IncidentId, body: Acknowledgement) -> CommandResult:
    """Someone has taken it. A second time changes nothing."""
    return _command(system, incident_id, lambda found: system.commands.acknowledge(found, body.by))


@router.post("/incidents/{incident_id}/resolve", summary="Close it", responses=_COMMAND)
def resolve(system: System, incident_id: IncidentId, body: Resolution) -> CommandResult:
    """It is over."""
    return _command(
        system, incident_id, lambda found: system.commands.resolve(found, body.by, body.note)
    )


@router.post("/incidents/{incident_id}/reopen", summary="Open it again", responses=_COMMAND)
def reopen(system: System, incident_id: IncidentId, body: Reopening) -> CommandResult:
    """It is not over after all."""
    return _command(
        system, incident_id, lambda found: system.commands.reopen(found, body.by, body.reason)
    )


@router.post("/incidents/{incident_id}/feedback", summary="Judge it", responses=_COMMAND)
def feedback(system: System, incident_id: IncidentId, body: Verdict) -> CommandResult:
    """Say whether the diagnosis was right; later investigations learn from it."""
    return _command(
        system,
        incident_id,
        lambda found: system.commands.give_feedback(
            found, body.by, correct=body.correct, root_cause=body.root_cause, note=body.note
        ),
    )


def _command(
    system: Backend, incident_id: str, command: Callable[[str], tuple[str, int | None]]
) -> CommandResult:
    incident = found_incident(system, incident_id).id
    try:
        state, position = command(incident)
    except IncidentClosed as error:
        raise ProblemRaised(
            409,
            "incident-closed",
            "The incident is resolved",
            f"{error} (POST /api/v1/incidents/{incident}/reopen)",
        ) from error
    except LookupError as error:
        raise not_found("incident", incident, "GET /api/v1/incidents lists them") from error
    return CommandResult(
        incident_id=incident,
        state=state,
        position=position,
        visible=position is None or _wait_until_visible(system, position),
    )


def _wait_until_visible(system: Backend, position: int) -> bool:
    """Whoever acts on a page wants to see it there: wait until history has the fact."""
    give_up = time.monotonic() + VISIBLE_WITHIN_SECONDS
    while True:
        states = [state for state in system.projections() if state.name == "history"]
        if all(state.position >= position for state in states):
            return True
        if time.monotonic() > give_up:
            return False
        time.sleep(0.02)
