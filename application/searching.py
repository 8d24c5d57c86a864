"""Finding incidents and patterns by words and by meaning at once, each hit explained."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from pydantic import BaseModel

K = 60
"""Constant of reciprocal rank fusion (Cormack, Clarke, Buettcher 2009, section 2)."""

_DEPTH = 50
"""Hits asked of each list: what lies deeper changes the order of the first page no more."""

_ENTITY = {
    "incident": "incident",
    "diagnosis": "incident",
    "evidence": "incident",
    "report": "incident",
}
"""Texts that belong to an incident lead to it; everything else leads to itself."""


class LexicalHit(Protocol):
    """A hit by words."""

    @property
    def kind(self) -> str:
        """What was found: incident, evidence, report, pattern."""
        ...

    @property
    def id(self) -> str:
        """Of the incident or pattern."""
        ...

    @property
    def title(self) -> str:
        """What it is called."""
        ...

    @property
    def snippet(self) -> str:
        """The place in its text."""
        ...


class LexicalSearch(Protocol):
    """Search by words (projections.history)."""

    def search_text(self, query: str, limit: int) -> Sequence[LexicalHit]:
        """Best first."""
        ...


class SemanticHit(Protocol):
    """A hit by meaning."""

    @property
    def kind(self) -> str:
        """What was found: incident, diagnosis, pattern."""
        ...

    @property
    def id(self) -> str:
        """Of the incident or pattern."""
        ...

    @property
    def title(self) -> str:
        """What it is called."""
        ...

    @property
    def score(self) -> float:
        """Cosine similarity to the question."""
        ...


class SemanticSearch(Protocol):
    """Search by meaning (projections.vectors)."""

    def similar(self, text: str, *, kind: str | None, limit: int) -> Sequence[SemanticHit]:
        """Best first."""
        ...


class FoundBy(BaseModel):
    """Why a hit is there. by: `words` or `meaning`; in: the kind of text; rank: from 1."""

    by: str
    kind: str
    rank: int


class SearchHit(BaseModel):
    """Something found. kind: incident or pattern. snippet: untrusted text, 【words】 marked."""

    kind: str
    id: str
    title: str
    snippet: str
    score: float
    found_by: list[FoundBy]


class SearchAnswer(BaseModel):
    """Hits, best first. degraded: why one of the two lists is missing, None where neither is."""

    hits: list[SearchHit]
    degraded: str | None = None


class HybridSearch:
    """Fuses both lists; goes on with words alone where meaning cannot be had."""

    def __init__(
        self,
        lexical: LexicalSearch,
        semantic: SemanticSearch | None,
        *,
        unavailable: tuple[type[Exception], ...] = (),
        why_not: str = "search by meaning is switched off",
        least_similarity: float = 0.0,
    ) -> None:
        """unavailable: errors of `semantic` that mean it cannot be used now.

        why_not: what to say where `semantic` is None. least_similarity: what is less similar is
        not a hit; something is always nearest, however far away it is.
        """
        self._lexical = lexical
        self._semantic = semantic
        self._unavailable = unavailable
        self._why_not = why_not
        self._least_similarity = least_similarity

    def search(self, text: str, *, kind: str | None = None, limit: int = 10) -> SearchAnswer:
        """Incidents and patterns (or one `kind` of them) for what a person typed, best first."""
        words = self._lexical.search_text(text, _DEPTH)
        degraded: str | None = None
        meaning: Sequence[SemanticHit] = ()
        if self._semantic is None:
            degraded = self._why_not
        else:
            try:
                nearest = self._semantic.similar(text, kind=None, limit=_DEPTH)
                meaning = [hit for hit in nearest if hit.score >= self._least_similarity]
            except self._unavailable as error:
                degraded = str(error)
        snippets = {entity_of(hit): hit.snippet for hit in reversed(words)}
        hits = fuse({"words": words, "meaning": meaning})
        for hit in hits:
            hit.snippet = snippets.get((hit.kind, hit.id), "")
        if kind is not None:
            hits = [hit for hit in hits if hit.kind == kind]
        return SearchAnswer(hits=hits[:limit], degraded=degraded)


def entity_of(hit: LexicalHit | SemanticHit) -> tuple[str, str]:
    """What a hit leads to: kind and id."""
    return _ENTITY.get(hit.kind, hit.kind), hit.id


def fuse(lists: dict[str, Sequence[LexicalHit] | Sequence[SemanticHit]]) -> list[SearchHit]:
    """Reciprocal rank fusion: an entity scores 1 / (K + rank) in each list that has it.

    An entity found in several of its texts counts once a list, with its best rank.
    """
    found: dict[tuple[str, str], SearchHit] = {}
    for by, hits in lists.items():
        for rank, hit in enumerate(_first_of_each(hits), 1):
            kind, identity = entity_of(hit)
            entry = found.setdefault(
                (kind, identity),
                SearchHit(
                    kind=kind, id=identity, title=hit.title, snippet="", score=0.0, found_by=[]
                ),
            )
            entry.score += 1 / (K + rank)
            entry.found_by.append(FoundBy(by=by, kind=hit.kind, rank=rank))
    return sorted(found.values(), key=lambda hit: (-hit.score, hit.kind, hit.id))


def _first_of_each(
    hits: Iterable[LexicalHit | SemanticHit],
) -> list[LexicalHit | SemanticHit]:
    first: dict[tuple[str, str], LexicalHit | SemanticHit] = {}
    for hit in hits:
        first.setdefault(entity_of(hit), hit)
    return list(first.values())
