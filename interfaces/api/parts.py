"""How a route reaches the running system and its own counters."""

from typing import Annotated

from fastapi import Depends, Request

from interfaces.api.backend import Backend
from interfaces.api.telemetry import RequestMetrics


def backend_of(request: Request) -> Backend:
    """The system this app was made for."""
    found: Backend = request.app.state.backend
    return found


def metrics_of(request: Request) -> RequestMetrics:
    """The counters of this app."""
    found: RequestMetrics = request.app.state.metrics
    return found


System = Annotated[Backend, Depends(backend_of)]
Metrics = Annotated[RequestMetrics, Depends(metrics_of)]
