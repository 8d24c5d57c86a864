"""A message template: what many records have in common."""

from typing import Any
from uuid import UUID

from eventsourcing.domain import Aggregate

from domain.provenance import Cause, Fact, FoundingFact, identify


class PatternDiscovered(FoundingFact):
    """A record whose shape was never seen before."""

    template: str
    severity_number: int
    example: str
    source: str
    sequence: int


class PatternGeneralized(Fact):
    """More records turned out to share the pattern: its template got wider."""

    template: str

    def apply(self, aggregate: "Pattern") -> None:
        aggregate.template = self.template


class PatternMuted(Fact):
    """A person said this pattern is no anomaly."""

    by: str
    reason: str


class PatternUnmuted(Fact):
    """A person wants to hear of it again."""

    by: str


def pattern_id(first_template: str) -> UUID:
    """The id of the pattern that began as this template; it keeps it when it generalizes."""
    return identify("pattern", first_template)


class Pattern(Aggregate):
    """A template with its variable slots (`connect to <*> failed: <*>`)."""

    def __init__(
        self, template: str, severity_number: int, example: str, source: str, sequence: int
    ):
        self.template = template
        self.severity_number = severity_number
        self.example = example
        self.source = source
        self.sequence = sequence

    @classmethod
    def discover(
        cls,
        pattern: UUID,
        template: str,
        *,
        severity_number: int,
        example: str,
        source: str,
        sequence: int,
        cause: Cause,
    ) -> "Pattern":
        """A new pattern, first seen in `source#sequence`."""
        facts: dict[str, Any] = {
            "template": template,
            "severity_number": severity_number,
            "example": example,
            "source": source,
            "sequence": sequence,
        }
        return cls._create(PatternDiscovered, id=pattern, **facts, **cause.fields())

    def generalize(self, template: str, cause: Cause) -> None:
        """Widen the template. The same template changes nothing."""
        if template != self.template:
            self.trigger_event(PatternGeneralized, template=template, **cause.fields())
