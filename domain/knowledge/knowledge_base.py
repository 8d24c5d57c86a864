"""The rules at hand and the port that finds them in text."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from domain.knowledge.rule import Rule, RuleMatch, Technology


class RuleMatcher(Protocol):
    """Finds rules in text in time linear in the text."""

    def match(self, text: str) -> list[RuleMatch]:
        """Every rule whose `match` is found and whose `unless` is not; bounded input."""
        ...

    def technologies_mentioned(self, text: str) -> list[str]:
        """Ids of technologies that the text speaks of."""
        ...

    def technology_of(self, service: str, samples: Iterable[str]) -> str | None:
        """The technology a service is, by its name or by its log text; None where unknown."""
        ...


@dataclass(frozen=True)
class KnowledgeBase:
    """All technologies with their rules, and how to find them."""

    technologies: dict[str, Technology] = field(repr=False)
    matcher: RuleMatcher
    version: str
    """Hash of the catalogue's content: recorded with every diagnosis."""
    rules: dict[str, Rule] = field(default_factory=dict, repr=False)
    technology_of_rule: dict[str, Technology] = field(default_factory=dict, repr=False)
    problems: tuple[str, ...] = ()
    """Rule files of the user that were left out, each with its reason."""
