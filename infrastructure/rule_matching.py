"""Finds rules in text with RE2: linear in the text, whatever the expressions are."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import re2

from domain.knowledge.rule import Rule, RuleMatch, Technology

LONGEST_TEXT = 65_536
"""Characters matched as a whole; of a longer text only both ends are read."""
END_OF_LONG_TEXT = LONGEST_TEXT // 2

# One automaton over all expressions: RE2 starts its cache anew when this many bytes are used, and
# refuses to match at all where a single state does not fit (see ExpressionSet.found_in).
SET_MEMORY = 192 << 20

# `kafka-consumer` and `redis-exporter` talk to the thing they are named after; they are not it.
COMPANIONS = frozenset(
    [
        "backup",
        "client",
        "consumer",
        "exporter",
        "importer",
        "migration",
        "migrations",
        "migrator",
        "monitor",
        "producer",
        "publisher",
        "reader",
        "subscriber",
        "sync",
        "writer",
    ]
)


def _options(max_mem: int | None = None) -> re2.Options:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    if max_mem is not None:
        options.max_mem = max_mem
    return options


def compiled(expression: str) -> "re2._Regexp":
    """The expression as our rules mean it: case-insensitive unless it begins with `(?-i)`.

    Raises re2.error when it is no RE2 expression.
    """
    return re2.compile(expression, _options())


_COUNTED = re.compile(r"(?<!\\)\{(\d+),\d*\}\??")


def _loosened(expression: str) -> str:
    """An expression that finds all that the given one finds, and is far smaller.

    RE2 writes `x{1,200}` out as 200 copies of x. The automaton over all expressions only has to
    say which may be there, so `x+` does: a fifth of the states, of the time to build them and to
    run through them.
    """
    return _COUNTED.sub(lambda count: "*" if count[1] == "0" else "+", expression)


class ExpressionSet:
    """Many expressions searched in one pass; each is compiled alone only when it was found.

    The pass finds candidates; the expression itself decides.
    """

    def __init__(self, expressions: Sequence[str]) -> None:
        self._expressions = expressions
        self._set = re2.Set.SearchSet(_options(SET_MEMORY))
        for expression in expressions:
            self._set.Add(_loosened(expression))
        # The empty expression is in every text. Where not even that is found, RE2 gave up.
        self._always = self._set.Add("")
        self._set.Compile()

    def search(self, text: str) -> Iterator[tuple[int, "re2._Match"]]:
        """Each expression that occurs in the text, by its index, ascending, and where it does."""
        candidates = self._set.Match(text)
        if candidates is None:
            candidates = range(len(self._expressions))
        for index in sorted(candidates):
            if index == self._always:
                continue
            if (where := self._alone(self._expressions[index]).search(text)) is not None:
                yield index, where

    def found_in(self, text: str) -> list[int]:
        """Indexes of the expressions that occur in the text, ascending."""
        return [index for index, _ in self.search(text)]

    @staticmethod
    @lru_cache(maxsize=4096)
    def _alone(expression: str) -> "re2._Regexp":
        return compiled(expression)


class Re2Matcher:
    """The RuleMatcher over a set of technologies."""

    def __init__(self, technologies: Iterable[Technology]) -> None:
        known = list(technologies)
        self._rules: list[Rule] = [rule for technology in known for rule in technology.rules]
        owners = [(n, e) for n, rule in enumerate(self._rules) for e in rule.match]
        self._owner = [n for n, _ in owners]
        self._symptoms = ExpressionSet([e for _, e in owners])
        self._known = known
        self._mentions: tuple[list[str], ExpressionSet] | None = None
        self._signatures: tuple[list[str], ExpressionSet] | None = None
        self._named = {name.lower(): t.id for t in known for name in [t.id, *t.names]}

    def match(self, text: str) -> list[RuleMatch]:
        """Every rule whose `match` is found and whose `unless` is not, in catalogue order.

        Of a rule's expressions the first that is found gives span and captures. Spans count
        characters of the given text. Of a text over LONGEST_TEXT characters both ends are read:
        a stack trace says what happened at its beginning and why at its end.
        """
        found: dict[int, RuleMatch] = {}
        windows = _windows(text)
        for offset, window in windows:
            for index, where in self._symptoms.search(window):
                owner = self._owner[index]
                if owner not in found:
                    found[owner] = _match_of(self._rules[owner], where, offset)
        return [
            match
            for owner, match in sorted(found.items())
            if not any(self._taken_back(self._rules[owner], window) for _, window in windows)
        ]

    @staticmethod
    def _taken_back(rule: Rule, window: str) -> bool:
        return any(ExpressionSet._alone(unless).search(window) for unless in rule.unless)

    def technologies_mentioned(self, text: str) -> list[str]:
        """Ids of the technologies whose `mentions` occur in the text, in catalogue order."""
        if self._mentions is None:
            self._mentions = self._owned("mentions")
        owners, expressions = self._mentions
        return list(
            dict.fromkeys(
                owners[index]
                for _, window in _windows(text)
                for index in expressions.found_in(window)
            )
        )

    def technology_of(self, service: str, samples: Iterable[str]) -> str | None:
        """The technology by the service's name, else the one most samples are signed by."""
        return self._by_name(service) or self._by_signature(samples)

    def _by_name(self, service: str) -> str | None:
        if exact := self._named.get(service.lower()):
            return exact
        parts = [part for part in re.split(r"[^a-z0-9]+", service.lower()) if part]
        if COMPANIONS.intersection(parts):
            return None
        for length in range(len(parts), 0, -1):
            for start in range(len(parts) - length + 1):
                name = "-".join(parts[start : start + length])
                technology = self._named.get(name) or self._named.get(name.rstrip("0123456789"))
                if technology:
                    return technology
        return None

    def _by_signature(self, samples: Iterable[str]) -> str | None:
        if self._signatures is None:
            self._signatures = self._owned("signatures")
        owners, expressions = self._signatures
        votes = Counter(
            technology
            for sample in samples
            for technology in {
                owners[index]
                for _, window in _windows(sample)
                for index in expressions.found_in(window)
            }
        )
        if not votes:
            return None
        # Ties go to the name that sorts first, so that the answer never depends on hash order.
        return min(votes, key=lambda technology: (-votes[technology], technology))

    def _owned(self, field: str) -> tuple[list[str], ExpressionSet]:
        pairs = [(t.id, expression) for t in self._known for expression in getattr(t, field)]
        return [owner for owner, _ in pairs], ExpressionSet([e for _, e in pairs])


def _match_of(rule: Rule, where: "re2._Match", offset: int) -> RuleMatch:
    captures = {name: value for name, value in where.groupdict().items() if value is not None}
    return RuleMatch(
        rule_id=rule.id,
        start=offset + where.start(),
        end=offset + where.end(),
        captures=captures,
    )


def _windows(text: str) -> list[tuple[int, str]]:
    """The parts of a text that are matched, each with its offset in the whole text."""
    # A lone surrogate cannot be UTF-8; as "?" it keeps its width of one character.
    readable = text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
    if len(readable) <= LONGEST_TEXT:
        return [(0, readable)]
    tail = len(readable) - END_OF_LONG_TEXT
    return [(0, readable[:END_OF_LONG_TEXT]), (tail, readable[tail:])]
