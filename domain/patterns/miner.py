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
from domain.patterns.masking import Masking, counted
from domain.patterns.pattern import pattern_id as identity
from domain.patterns.template import ANY, atoms, is_word, skeleton, tidy, widened

__all__ = ["MOST_ATOMS", "MOST_PATTERNS", "Mined", "Miner"]

MOST_PATTERNS = 100_000
"""With so many patterns known, what is like none of them belongs to the pattern `<*>`."""
MOST_ATOMS = 4_000_000
"""The same with so many words and marks in the templates of all patterns together."""

_REMEMBERED = 8_000_000  # characters, in each generation of a memory
_COST = 200  # characters that a remembered text costs besides its own


class _Memory:
    """The patterns of texts met lately: two generations, each of bounded size."""

    __slots__ = ("older", "recent", "room")

    def __init__(self) -> None:
        self.recent: dict[str, Cluster] = {}
        self.older: dict[str, Cluster] = {}
        self.room = _REMEMBERED

    def recall(self, text: str) -> Cluster | None:
        """What the older generation knew, which the recent one then knows too."""
        cluster = self.older.get(text)
        if cluster is not None:
            self.keep(text, cluster)
        return cluster

    def keep(self, text: str, cluster: Cluster) -> None:
        """Remember; what was not met for a generation is forgotten."""
        if text not in self.recent:
            self.room -= len(text) + _COST
            if self.room < 0:
                self.recent, self.older, self.room = {}, self.recent, _REMEMBERED
        self.recent[text] = cluster


class Miner:
    """Assigns messages to patterns. The same messages in the same order give the same patterns."""

    def __init__(self) -> None:
        self._shape = Masking().shape
        self._lines = _Memory()
        self._shapes = _Memory()
        self._atoms = 0
        self._clusters: dict[str, Cluster] = {}
        self._likeness = Likeness()
        self._absorbed = 0

    def __len__(self) -> int:
        """The number of patterns, not counting those that became part of another."""
        return len(self._clusters) - self._absorbed

    def assign(self, body: str) -> Mined:
        """The pattern of `body`; never fails, whatever the body holds."""
        line = counted(body)
        cluster = self._lines.recent.get(line) or self._lines.recall(line)
        if cluster is not None:
            return cluster.known
        shape = self._shape(line)
        cluster = self._shapes.recent.get(shape) or self._shapes.recall(shape)
        mined = cluster.known if cluster is not None else self._learn(tidy(shape))
        cluster = self._clusters[mined.pattern_id]
        self._shapes.keep(shape, cluster)
        self._lines.keep(line, cluster)
        return mined

    def restore(self, pattern_id: str, template: str) -> None:
        """Put back a pattern from its events, in their order; a later template replaces."""
        self._forget()
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
            self._forget()
            twin = self._likeness.same(cluster.bones)
            for other in (*self._likeness.described(cluster.bones), *([twin] if twin else ())):
                if other.into is None:
                    self._likeness.remove(other)
                    other.into = cluster
                    self._absorbed += 1
        self._likeness.add(cluster)

    def _forget(self) -> None:
        self._lines, self._shapes = _Memory(), _Memory()
