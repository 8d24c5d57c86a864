"""What the rules say about one record's text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from domain.knowledge.knowledge_base import KnowledgeBase
from domain.knowledge.rule import Role, Rule, RuleMatch


@dataclass(frozen=True, slots=True)
class Judgement:
    """The rules found in a text, by role, most specific first."""

    causes: tuple[tuple[Rule, RuleMatch], ...] = ()
    symptoms: tuple[tuple[Rule, RuleMatch], ...] = ()
    changes: tuple[tuple[Rule, RuleMatch], ...] = ()
    noise: tuple[tuple[Rule, RuleMatch], ...] = ()

    @property
    def is_noise(self) -> bool:
        """It looks like a failure and is none: nothing else says something more specific."""
        if not self.noise:
            return False
        accusing = (*self.causes, *self.symptoms)
        strongest = max((rule.specificity for rule, _ in accusing), default=0)
        return strongest <= self.noise[0][0].specificity

    @property
    def accusations(self) -> tuple[tuple[Rule, RuleMatch], ...]:
        """Causes, then symptoms; empty for noise."""
        return () if self.is_noise else self.causes + self.symptoms


EMPTY = Judgement()


_DOUBT = 4
"""Specificity a rule loses in a text that has nothing to do with its technology."""
_INNERMOST = "\nCaused by: "
_FRAME = re.compile(r"(?m)^(?:[ \t]+(?:at |File \"|\.\.\. \d+ more)| {4,}(?![\t]))[^\n]*$")
"""Stack frames of Java, Node and Python, with the lines of code Python prints below its own."""
_TRACE = re.compile(r"Traceback \(most recent call last\)|\n[ \t]+at ")


def without_frames(text: str) -> str:
    """The text with its stack frames blanked out; every other character keeps its place.

    A frame shows code (`raise TimeoutError from error`), not what happened.
    """
    if not _TRACE.search(text):
        return text
    return _FRAME.sub(lambda frame: " " * len(frame[0]), text)


def judge(text: str, knowledge: KnowledgeBase, technology: str = "") -> Judgement:
    """Find the rules in a text and sort them by role and specificity.

    `technology`: what its writer is, where that is known; rules for other writers are left out.
    A rule of a technology that neither wrote the text nor is named in it is less specific here:
    programs share words (`read-only`, `[ALERT]`).

    Where a stack trace names its innermost cause last (`Caused by:`), what is found there takes
    the place of what the same rule found in the exceptions wrapped around it.
    """
    full, text = text, without_frames(text)
    found = {match.rule_id: match for match in knowledge.matcher.match(text)}
    if not found:
        return EMPTY
    offset = text.rfind(_INNERMOST)
    if offset >= 0:
        for match in knowledge.matcher.match(text[offset:]):
            found[match.rule_id] = match.model_copy(
                update={"start": match.start + offset, "end": match.end + offset}
            )
    strangers = _strangers(full, list(found), knowledge, technology)
    by_role: dict[Role, list[tuple[Rule, RuleMatch]]] = {role: [] for role in Role}
    for match in found.values():
        rule = knowledge.rules[match.rule_id]
        if rule.only_from and technology not in rule.only_from:
            continue
        by_role[rule.role].append((_doubted(rule) if rule.id in strangers else rule, match))
    for pairs in by_role.values():
        pairs.sort(key=lambda pair: (-pair[0].specificity, pair[0].id))
    return Judgement(
        causes=tuple(by_role[Role.CAUSE]),
        symptoms=tuple(by_role[Role.SYMPTOM]),
        changes=tuple(by_role[Role.CHANGE]),
        noise=tuple(by_role[Role.NOISE]),
    )


def _strangers(
    text: str, rule_ids: Iterable[str], knowledge: KnowledgeBase, technology: str
) -> set[str]:
    """The rules whose technology has nothing to do with the text, as far as can be seen."""
    foreign = {
        rule_id: owner.id
        for rule_id in rule_ids
        if not (owner := knowledge.technology_of_rule[rule_id]).general and owner.id != technology
    }
    if not foreign:
        return set()
    named = set(knowledge.matcher.technologies_mentioned(text))
    return {rule_id for rule_id, owner in foreign.items() if owner not in named}


def _doubted(rule: Rule) -> Rule:
    return rule.model_copy(update={"specificity": max(1, rule.specificity - _DOUBT)})
