"""A failure rule: which symptom it recognises and what that means.

Rules are data: one YAML file a technology in `catalogue/`. See docs/reference/rules.md.
"""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.knowledge.vocabulary import Criticality, ErrorClass, Layer


class Role(StrEnum):
    """What a matching record says about the incident it is in."""

    CAUSE = "cause"
    """The record names a cause: something is full, wrong, broken, refused."""
    SYMPTOM = "symptom"
    """The record shows the effect of a failure elsewhere (a 502, a retry, a timeout)."""
    CHANGE = "change"
    """The record shows a deployment, a restart, a reload: it may explain what follows."""
    NOISE = "noise"
    """The record looks like a failure and is none: expected 4xx, graceful shutdown, scanners."""


class Culprit(StrEnum):
    """Whom a matching record accuses."""

    SELF = "self"
    """The service that wrote the record."""
    DEPENDENCY = "dependency"
    """The service it talks to (the captured `dependency`, `host` or `port` says which)."""
    CLIENT = "client"
    """The service that called it (a wrong password is the client's fault)."""


class Patch(BaseModel):
    """A change to a configuration or code file, as a unified diff with {captures} filled in."""

    model_config = ConfigDict(extra="forbid")

    path: str
    diff: str


class Rule(BaseModel):
    """One recognisable failure.

    `match` holds RE2 expressions (linear time); any one of them found in a record's text (body
    and stack trace) makes the rule match. They are case-insensitive unless they begin with
    `(?-i)`. Named groups are captures: they fill `{name}` in the texts. The names `host`, `port`,
    `dependency`, `user`, `path`, `object`, `limit`, `message` have a meaning to the ranking.
    `unless`: expressions that take the match back. `only_from`: technology ids whose records the
    rule reads (empty: any record).
    """

    model_config = ConfigDict(extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9]+([._-][a-z0-9]+)+$")
    title: str
    role: Role = Role.CAUSE
    error_class: ErrorClass = ErrorClass.UNKNOWN
    criticality: Criticality = Criticality.HIGH
    culprit: Culprit = Culprit.SELF
    layer: Layer | None = None
    specificity: int = Field(default=5, ge=1, le=10)
    """1: a bare symptom word ... 5: a known error ... 10: names the very resource at fault."""
    at_least: int = Field(default=1, ge=1)
    """How many matching records it takes before they count as a failure."""
    match: list[str] = Field(min_length=1)
    unless: list[str] = []
    only_from: list[str] = []
    root_cause: str = ""
    explanation: str = ""
    mitigation: list[str] = []
    steps: list[str] = []
    verify: list[str] = []
    rollback: list[str] = []
    patches: list[Patch] = []
    examples: list[str] = Field(min_length=1)
    near_misses: list[str] = []
    source: str = ""
    """Where the knowledge comes from: manual page, RFC, source file."""

    @model_validator(mode="after")
    def causes_are_explained(self) -> Self:
        """A cause without a way out is no help at 3 a.m."""
        if self.role is Role.CAUSE:
            for name in ("root_cause", "explanation", "mitigation", "steps", "verify", "source"):
                if not getattr(self, name):
                    raise ValueError(f"rule {self.id}: a cause needs '{name}'")
        return self


class Technology(BaseModel):
    """One catalogue file: a technology (or a general vocabulary) and its rules.

    `names`: what its own services are called (file names, service names). `mentions`: RE2
    expressions by which other services' records speak of it (driver names, URL schemes).
    `signatures`: RE2 expressions that recognise its own log text where the name says nothing.
    """

    model_config = ConfigDict(extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    layer: Layer = Layer.SERVICE
    general: bool = False
    names: list[str] = []
    ports: list[int] = []
    mentions: list[str] = []
    signatures: list[str] = []
    rules: list[Rule]


class RuleMatch(BaseModel):
    """A rule found in one record's text."""

    model_config = ConfigDict(frozen=True)

    rule_id: str
    start: int
    end: int
    """Character span of the whole match in the text."""
    captures: dict[str, str] = {}
