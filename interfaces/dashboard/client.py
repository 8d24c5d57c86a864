"""The API as typed calls: what the dashboard knows of the system, it knows from here."""

from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, TypeAdapter

from application.auditing import AuditTrail
from application.searching import SearchAnswer
from interfaces.api.answers import RecordContext, RecordPage
from interfaces.api.backend import CommandResult, ProjectionState
from projections.dashboard.answers import Overview
from projections.history.answers import IncidentDetail, IncidentPage, PatternRow, SourceRow

_Answer = TypeVar("_Answer", bound=BaseModel)


class ApiUnreachable(Exception):
    """Nothing answers at the API's address."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"the API at {url} does not answer: {reason}")
        self.url = url
        self.reason = reason


class ApiRefused(Exception):
    """The API answered with a problem."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(f"{title}: {detail}")
        self.status = status
        self.title = title
        self.detail = detail


class Client:
    """One connection pool to the API. Every method raises ApiUnreachable and ApiRefused."""

    def __init__(self, url: str, timeout_seconds: float = 10.0) -> None:
        self.url = url.rstrip("/")
        # trust_env=False: a proxy of the environment must never see what goes to our own API
        self._http = httpx.Client(base_url=self.url, timeout=timeout_seconds, trust_env=False)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def overview(self, minutes: int, until: int | None = None) -> Overview:
        """What needs me now."""
        return self._get(Overview, "/api/v1/overview", minutes=minutes, until=until)

    def incidents(self, **filters: str | int | None) -> IncidentPage:
        """Some incidents, most recent first."""
        return self._get(IncidentPage, "/api/v1/incidents", **filters)

    def incident(self, incident_id: str) -> IncidentDetail:
        """Everything about one incident."""
        return self._get(IncidentDetail, f"/api/v1/incidents/{_segment(incident_id)}")

    def audit(self, incident_id: str) -> AuditTrail:
        """Every event of an incident's story."""
        return self._get(AuditTrail, f"/api/v1/incidents/{_segment(incident_id)}/audit")

    def command(self, incident_id: str, name: str, **body: Any) -> CommandResult:
        """acknowledge, resolve, reopen or feedback."""
        return self._answer(
            CommandResult, "POST", f"/api/v1/incidents/{_segment(incident_id)}/{name}", json=body
        )

    def sources(self) -> list[SourceRow]:
        """Where records come from."""
        return self._list(SourceRow, "/api/v1/sources")

    def patterns(self, **filters: str | int | None) -> list[PatternRow]:
        """Message templates, most frequent first."""
        return self._list(PatternRow, "/api/v1/patterns", **filters)

    def projections(self) -> list[ProjectionState]:
        """How far the read models are."""
        return self._list(ProjectionState, "/api/v1/projections")

    def search(self, text: str, limit: int = 20) -> SearchAnswer:
        """Incidents, runbooks and patterns by word and by meaning."""
        return self._get(SearchAnswer, "/api/v1/search", q=text, limit=limit)

    def records(self, **filters: str | int | None) -> RecordPage:
        """Records where they lie."""
        return self._get(RecordPage, "/api/v1/records", **filters)

    def context(self, source: str, sequence: int, count: int = 10) -> RecordContext:
        """A record among its neighbours."""
        return self._get(
            RecordContext, f"/api/v1/records/{_segment(source)}/{sequence}", count=count
        )

    def _get(self, shape: type[_Answer], path: str, **params: Any) -> _Answer:
        return self._answer(shape, "GET", path, params=_given(params))

    def _list(self, shape: type[_Answer], path: str, **params: Any) -> list[_Answer]:
        body = self._send("GET", path, params=_given(params)).content
        return TypeAdapter(list[shape]).validate_json(body)  # type: ignore[valid-type]

    def _answer(self, shape: type[_Answer], method: str, path: str, **request: Any) -> _Answer:
        return shape.model_validate_json(self._send(method, path, **request).content)

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **request)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ApiUnreachable(self.url, str(error) or type(error).__name__) from error
        if response.is_success:
            return response
        try:
            problem = response.json()
            title, detail = str(problem["title"]), str(problem["detail"])
        except (ValueError, KeyError, TypeError):
            title, detail = f"HTTP {response.status_code}", response.text[:300]
        raise ApiRefused(response.status_code, title, detail)


def _given(params: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value not in (None, "")}


def _segment(text: str) -> str:
    return quote(text, safe="")
