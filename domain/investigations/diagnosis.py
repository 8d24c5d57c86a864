"""What an investigation concludes: context, diagnosis, with everything cited."""

from pydantic import BaseModel, ConfigDict, Field

from domain.knowledge.vocabulary import Criticality, ErrorClass


class Citation(BaseModel):
    """A claim's proof: a record and the span of it that shows the claim."""

    model_config = ConfigDict(frozen=True)

    source: str
    sequence: int
    line: int
    """Physical line, from 1, on which the quote stands."""
    quote: str

    @property
    def ref(self) -> str:
        """The record's address, `source#sequence`."""
        return f"{self.source}#{self.sequence}"


class ServiceDependency(BaseModel):
    """`caller` needs `callee`, as far as the logs show."""

    model_config = ConfigDict(frozen=True)

    caller: str
    callee: str
    reason: str
    citation: Citation | None = None


class TimelineEntry(BaseModel):
    """Something that happened, in the order it happened."""

    model_config = ConfigDict(frozen=True)

    time: int
    service: str
    what: str
    citation: Citation | None = None


class SimilarIncident(BaseModel):
    """A past incident that looks like this one."""

    model_config = ConfigDict(frozen=True)

    incident_id: str
    title: str
    root_cause: str
    error_class: ErrorClass
    similarity: float
    """0 to 1."""
    confirmed: bool = False
    """A person confirmed its root cause."""


class Context(BaseModel):
    """What the context step gathers before anyone judges."""

    services: list[str]
    dependencies: list[ServiceDependency] = []
    timeline: list[TimelineEntry] = []
    changes: list[TimelineEntry] = []
    """Deployments, restarts and reloads near the incident."""
    similar: list[SimilarIncident] = []
    technologies: dict[str, str] = {}
    """Service to technology id, where known."""


class Hypothesis(BaseModel):
    """A possible cause, what it explains and what speaks against it."""

    root_cause: str
    error_class: ErrorClass
    service: str
    confidence: float = Field(ge=0, le=1)
    rule_id: str | None = None
    explains: list[str] = []
    against: list[str] = []
    check_next: list[str] = []
    citations: list[Citation] = []


class Diagnosis(BaseModel):
    """The ranked hypotheses; the first is the answer."""

    title: str
    root_cause: str
    error_class: ErrorClass
    criticality: Criticality
    criticality_reason: str = ""
    service: str
    confidence: float = Field(ge=0, le=1)
    cause_visible: bool = True
    """False: the logs show the symptom only; `explanation` says where to look for the cause."""
    explanation: str = ""
    hypotheses: list[Hypothesis]
    citations: list[Citation]
    findings: list[str] = []
    """Things worth telling that are no cause: for example instructions found inside log text."""
