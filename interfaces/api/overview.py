"""The state of things: overview, sources, patterns, read models, and the probes for machines."""

import time
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from interfaces.api.backend import ProjectionState, Readiness
from interfaces.api.parts import Metrics, System
from interfaces.api.problems import responses
from interfaces.api.telemetry import CONTENT_TYPE, system_families
from projections.dashboard.answers import Overview
from projections.history.answers import PatternRow, SourceRow

router = APIRouter(prefix="/api/v1", tags=["system"])
probes = APIRouter(tags=["probes"])


@router.get("/overview", summary="What needs me now", responses=responses(421, 422))
def overview(
    system: System,
    minutes: Annotated[int, Query(ge=1, le=7 * 24 * 60, description="How far to look back.")] = 180,
    until: Annotated[
        int | None,
        Query(ge=0, le=2**63 - 1, description="End of the window, nanoseconds since 1970; now."),
    ] = None,
) -> Overview:
    """Open incidents, rates, sources, patterns, how the agents do."""
    return system.dashboard.overview(time.time_ns() if until is None else until, minutes=minutes)


@router.get("/sources", summary="Where records come from", responses=responses(421))
def sources(system: System) -> list[SourceRow]:
    """Every source with its counts and its last problem."""
    return system.history.sources()


@router.get("/patterns", summary="What the records have in common", responses=responses(421, 422))
def patterns(
    system: System,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    text: Annotated[str | None, Query(max_length=500)] = None,
) -> list[PatternRow]:
    """Message templates, most frequent first."""
    return system.history.patterns(limit=limit, text=text)


@router.get("/projections", summary="How far the read models are", responses=responses(421))
def projections(system: System) -> list[ProjectionState]:
    """Position, head and lag of each read model."""
    return system.projections()


@probes.get("/healthz", summary="Is the process alive", responses=responses(421))
def healthz() -> dict[str, str]:
    """Answers as long as the process can answer."""
    return {"status": "ok"}


@probes.get(
    "/readyz",
    summary="Does everything work",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "A part does not work"}, **responses(421)},
)
def readyz(system: System) -> Response:
    """200 when every part works, else 503 with the parts that do not and what to do."""
    found = system.health()
    return JSONResponse(found.model_dump(), 200 if found.ok else 503)


@probes.get(
    "/metrics",
    summary="Numbers for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **responses(421)},
)
def metrics(system: System, counters: Metrics) -> Response:
    """Prometheus text format 0.0.4."""
    lines = counters.families() + system_families(
        system.dashboard.overview(time.time_ns(), minutes=1), system.projections(), system.health()
    )
    return Response("\n".join(lines) + "\n", headers={"Content-Type": CONTENT_TYPE})
