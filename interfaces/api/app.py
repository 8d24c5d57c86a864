"""The HTTP interface: reading, searching, sending logs, acting on incidents."""

from collections.abc import Iterable

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from interfaces.api import (
    documentation,
    incidents,
    ingesting,
    loki,
    otlp,
    overview,
    problems,
    records,
)
from interfaces.api.backend import Backend, IngestResult, QueueFull
from interfaces.api.guards import Guards
from interfaces.api.telemetry import RequestMetrics

__all__ = ["Backend", "IngestResult", "QueueFull", "create_app"]

_DESCRIPTION = """Read incidents, diagnoses and records; send logs; act on incidents.

All log text in the answers is a stranger's: show it as text, never as HTML or Markdown.
Errors are problem details (RFC 9457) and say what to do. Times named `*_time` are nanoseconds
since 1970 (UTC), those named `*_at` are ISO 8601.
"""


def create_app(backend: Backend, allowed_hosts: Iterable[str] = ()) -> FastAPI:
    """The app on this system.

    allowed_hosts: names besides localhost, 127.0.0.1 and [::1] that a Host header may carry.
    """
    app = FastAPI(
        title="AI Ops Copilot",
        version="1",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
    )
    metrics = RequestMetrics()
    app.state.backend = backend
    app.state.metrics = metrics
    for router in (
        ingesting.router,
        otlp.router,
        loki.router,
        incidents.router,
        records.router,
        overview.router,
    ):
        app.include_router(router)
    app.include_router(overview.probes)
    documentation.install(app)
    problems.install(app)
    app.add_middleware(Guards, allowed_hosts=tuple(allowed_hosts), observe=metrics.observe)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _openapi(app: FastAPI) -> dict[str, object]:
    """FastAPI's description, with Problem among the schemas and its own error model taken out."""
    if app.openapi_schema is None:
        described = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        schemas = described.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = problems.Problem.model_json_schema()
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        app.openapi_schema = described
    return app.openapi_schema
