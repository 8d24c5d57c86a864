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

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from domain.patterns.masking import Masking
from domain.patterns.pattern import pattern_id as identity
from domain.patterns.template import (
    ANY,
    STAR,
    atoms,
    describes,
    is_word,
    loosened,
    skeleton,
    tidy,
    widened,
)

MOST_PATTERNS = 100_000
"""With so many patterns known, what is like none of them belongs to the pattern `<*>`."""
MOST_ATOMS = 4_000_000
"""The same with so many words and marks in the templates of all patterns together."""

_REMEMBERED_SHAPES = 16_000_000  # characters, in each of two generations
_COST_OF_A_SHAPE = 200  # characters that a remembered shape costs besides its own
_PLACES = 16  # a place further on than the sixteenth word never becomes a slot by itself
_COMPARED = 256  # patterns a new shape is compared with, for each of its words


def _many(words: int) -> int:
    """How many different values make a place a slot, by the number of words that stay the same.

    The less is said around a place, the more likely its word is the message itself.
    """
    return {0: 1 << 30, 1: 16, 2: 8}.get(words, 5)


_MANY_NAMES = 3


@dataclass(slots=True, frozen=True)
class Mined:
    """The pattern of one message, and what the message taught.

    `pattern_id` is the text of a UUID. `discovered`: the pattern is new. `generalized`: its
    template became wider with this message, and patterns it describes may have become part of
    it (`Miner.current` tells).
    """

    pattern_id: str
    discovered: bool
    generalized: bool
    template: str


class _Cluster:
    """A pattern in memory: its template taken apart, and the pattern it became part of."""

    __slots__ = ("age", "bones", "id", "into", "known", "parts", "template")

    def __init__(self, pattern: str, template: str, age: int):
        self.id = pattern
        self.age = age
        self.into: _Cluster | None = None
        self.take(template)

    def take(self, template: str) -> None:
        self.template = template
        self.parts = atoms(template)
        self.bones = skeleton(self.parts)
        self.known = Mined(self.id, discovered=False, generalized=False, template=template)

    def final(self) -> "_Cluster":
        cluster = self
        while cluster.into is not None:
            cluster = cluster.into
        return cluster


class _Likeness:
    """Which patterns are alike: indices over skeletons, by keys of what they have in common."""

    def __init__(self) -> None:
        self._same: dict[int, _Cluster] = {}
        self._near: dict[int, list[_Cluster]] = {}
        self._loose: dict[int, list[_Cluster]] = {}
        self._anchored: dict[tuple[int, int, str], list[_Cluster]] = {}

    def add(self, cluster: _Cluster) -> None:
        for index, key in self._places(cluster):
            index.setdefault(key, []).append(cluster)
        self._same.setdefault(hash(cluster.bones), cluster)
        if ANY in cluster.parts and (anchor := _anchor(cluster.bones)):
            self._anchored.setdefault(anchor, []).append(cluster)

    def remove(self, cluster: _Cluster) -> None:
        for index, key in self._places(cluster):
            index[key].remove(cluster)
            if not index[key]:
                del index[key]
        if self._same.get(hash(cluster.bones)) is cluster:
            del self._same[hash(cluster.bones)]
        if ANY in cluster.parts and (anchor := _anchor(cluster.bones)):
            self._anchored[anchor].remove(cluster)

    def same(self, bones: tuple[str, ...]) -> _Cluster | None:
        """The pattern with exactly this skeleton."""
        found = self._same.get(hash(bones))
        return found if found is not None and found.bones == bones else None

    def describing(self, bones: tuple[str, ...]) -> _Cluster | None:
        """The oldest pattern that describes this skeleton.

        The oldest, not the closest: a pattern discovered later then never takes messages away.
        """
        words = [(place, bone) for place, bone in enumerate(bones) if is_word(bone)]
        found = []
        if len(words) > 2:
            found = [c for key in _near_keys(bones) if (c := self._same.get(key)) is not None]
        for place, bone in words:
            found += self._anchored.get((len(bones), place, bone), ())[:_COMPARED]
        found = [cluster for cluster in found if describes(cluster.bones, bones)]
        return min(found, key=_age, default=None)

    def described(self, bones: tuple[str, ...]) -> list[_Cluster]:
        """Patterns with a word at one place, or dotted names, where this skeleton has stars."""
        if STAR not in bones:
            return []
        near = self._near.get(hash(bones), ())
        loose = self._loose.get(hash(loosened(bones)), ())
        found = {c.age: c for c in (*near, *loose) if describes(bones, c.bones)}
        return [found[age] for age in sorted(found)]

    def many(self, bones: tuple[str, ...]) -> list[_Cluster]:
        """Patterns that, with this skeleton, prove by their number that they are one."""
        words = sum(map(is_word, bones))
        for key in _near_keys(bones):
            alike = self._near.get(key, ())
            if len(alike) + 1 >= _many(words - 1):
                return list(alike)
        for key in _loose_keys(bones):
            alike = self._loose.get(key, ())
            if len(alike) + 1 >= _MANY_NAMES:
                return list(alike)
        return []

    def _places(self, cluster: _Cluster) -> Iterator[tuple[dict[int, list[_Cluster]], int]]:
        for key in _near_keys(cluster.bones):
            yield self._near, key
        for key in _loose_keys(cluster.bones):
            yield self._loose, key


def _age(cluster: _Cluster) -> int:
    return cluster.age


def _near_keys(bones: tuple[str, ...]) -> Iterator[int]:
    """One key for each of the first words: that of the skeleton with a star in its place."""
    places = [place for place, bone in enumerate(bones) if is_word(bone)]
    if len(places) > 1:
        for place in places[:_PLACES]:
            yield hash((*bones[:place], STAR, *bones[place + 1 :]))


def _loose_keys(bones: tuple[str, ...]) -> Iterator[int]:
    """The key of the skeleton with a star for every name, where a word then remains."""
    loose = loosened(bones)
    if loose != bones and any(map(is_word, loose)):
        yield hash(loose)


def _anchor(bones: tuple[str, ...]) -> tuple[int, int, str] | None:
    for place, bone in enumerate(bones):
        if is_word(bone):
            return len(bones), place, bone
    return None


class Miner:
    """Assigns messages to patterns. The same messages in the same order give the same patterns."""

    def __init__(self) -> None:
        self._shape = Masking().shape
        self._shapes: dict[str, _Cluster] = {}
        self._older_shapes: dict[str, _Cluster] = {}
        self._room = _REMEMBERED_SHAPES
        self._atoms = 0
        self._clusters: dict[str, _Cluster] = {}
        self._likeness = _Likeness()
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

    def _join(self, cluster: _Cluster, others: Iterable[tuple[str, ...]]) -> Mined:
        parts = cluster.parts
        for other in others:
            parts = widened(parts, other)
        if parts == cluster.parts:
            return cluster.known
        self._grow(cluster, "".join(parts))
        return Mined(cluster.id, discovered=False, generalized=True, template=cluster.template)

    def _found(self, pattern: str, template: str, wider: _Cluster | None = None) -> None:
        cluster = self._clusters[pattern] = _Cluster(pattern, template, len(self._clusters))
        cluster.into = wider
        self._atoms += len(cluster.parts)
        if wider is None:
            self._likeness.add(cluster)
        else:
            self._absorbed += 1

    def _grow(self, cluster: _Cluster, template: str) -> None:
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
