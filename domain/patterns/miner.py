"""Finds the pattern of each message, online: known shapes by one look-up, new ones by likeness.

Almost all messages have a shape that came before; only a new shape is compared with patterns,
and only through indices derived from the templates. So the templates are the whole state: events
restore it, and what is forgotten (shapes, tokens) is only speed.

The ways a new shape finds its pattern, in this order:

1. The same words, different only in what varies by nature.
2. A pattern with learnt slots describes it (found by any one constant word, as in PIPLUP).
3. It has a slot where known patterns have words, and agrees in everything else.
4. It is one of many that differ in a single place, or only in dotted names: a slot is learnt.

A pattern that grows takes in the patterns it then describes; the oldest id stays.
"""

from collections.abc import Iterable

from domain.patterns.likeness import Cluster, Likeness, Mined
from domain.patterns.masking import Masking
from domain.patterns.pattern import pattern_id as identity
from domain.patterns.template import ANY, atoms, is_word, skeleton, tidy, widened

__all__ = ["MOST_ATOMS", "MOST_PATTERNS", "Mined", "Miner"]

MOST_PATTERNS = 100_000
"""With so many patterns known, what is like none of them belongs to the pattern `<*>`."""
MOST_ATOMS = 4_000_000
"""The same with so many words and marks in the templates of all patterns together."""

_REMEMBERED_SHAPES = 16_000_000  # characters, in each of two generations
_COST_OF_A_SHAPE = 200  # characters that a remembered shape costs besides its own


class Miner:
    """Assigns messages to patterns. The same messages in the same order give the same patterns."""

    def __init__(self) -> None:
        self._shape = Masking().shape
        self._shapes: dict[str, Cluster] = {}
        self._older_shapes: dict[str, Cluster] = {}
        self._room = _REMEMBERED_SHAPES
        self._atoms = 0
        self._clusters: dict[str, Cluster] = {}
        self._likeness = Likeness()
        self._absorbed = 0

    def __len__(self) -> int:
        """The number of patterns, not counting those that became part of another."""
        return len(self._clusters) - self._absorbed

    def assign(self, body: str) -> Mined:
        """The pattern of `body`; never fails, whatever the body holds."""
        shape = self._shape(body)
        cluster = self._shapes.get(shape)
        if cluster is not None:
            return cluster.known
        cluster = self._older_shapes.get(shape)
        mined = cluster.known if cluster is not None else self._learn(tidy(shape))
        self._room -= len(shape) + _COST_OF_A_SHAPE
        if self._room < 0:
            self._shapes, self._older_shapes = {}, self._shapes
            self._room = _REMEMBERED_SHAPES
        self._shapes[shape] = self._clusters[mined.pattern_id]
        return mined

    def restore(self, pattern_id: str, template: str) -> None:
        """Put back a pattern from its events, in their order; a later template replaces."""
        cluster = self._clusters.get(pattern_id)
        if cluster is None:
            bones = skeleton(atoms(template))
            wider = self._likeness.same(bones) or self._likeness.describing(bones)
            self._found(pattern_id, template, wider)
        elif cluster.into is None:
            self._grow(cluster, template)

    def current(self, pattern_id: str) -> str:
        """The pattern that `pattern_id` became part of, itself if none (or if unknown)."""
        cluster = self._clusters.get(pattern_id)
        return cluster.final().id if cluster is not None else pattern_id

    def templates(self) -> dict[str, str]:
        """All patterns: id to template, oldest first."""
        return {c.id: c.template for c in self._clusters.values() if c.into is None}

    def _learn(self, template: str) -> Mined:
        parts = atoms(template)
        bones = skeleton(parts)
        like = self._likeness
        for known in (like.same(bones), like.describing(bones)):
            if known is not None:
                return self._join(known, [parts])
        said = sum(map(is_word, bones)) > 1
        alike = (like.described(bones) if said else []) or like.many(bones)
        if alike:
            oldest = min(alike, key=lambda cluster: cluster.age)
            return self._join(oldest, [parts, *(cluster.parts for cluster in alike)])
        if len(self._clusters) >= MOST_PATTERNS or self._atoms >= MOST_ATOMS:
            template = ANY
        pattern = str(identity(template))
        known = self._clusters.get(pattern)
        if known is not None:
            return known.final().known
        self._found(pattern, template)
        return Mined(pattern, discovered=True, generalized=False, template=template)

    def _join(self, cluster: Cluster, others: Iterable[tuple[str, ...]]) -> Mined:
        parts = cluster.parts
        for other in others:
            parts = widened(parts, other)
        if parts == cluster.parts:
            return cluster.known
        self._grow(cluster, "".join(parts))
        return Mined(cluster.id, discovered=False, generalized=True, template=cluster.template)

    def _found(self, pattern: str, template: str, wider: Cluster | None = None) -> None:
        cluster = self._clusters[pattern] = Cluster(pattern, template, len(self._clusters))
        cluster.into = wider
        self._atoms += len(cluster.parts)
        if wider is None:
            self._likeness.add(cluster)
        else:
            self._absorbed += 1

    def _grow(self, cluster: Cluster, template: str) -> None:
        """Give a pattern a wider template, and take in what that describes."""
        bones = cluster.bones
        self._likeness.remove(cluster)
        cluster.take(template)
        if cluster.bones != bones:
            # Other shapes may be described now: what a shape finds depends on templates alone.
            self._shapes, self._older_shapes, self._room = {}, {}, _REMEMBERED_SHAPES
            twin = self._likeness.same(cluster.bones)
            for other in (*self._likeness.described(cluster.bones), *([twin] if twin else ())):
                if other.into is None:
                    self._likeness.remove(other)
                    other.into = cluster
                    self._absorbed += 1
        self._likeness.add(cluster)
