"""Which patterns are alike: the indices that keep the comparing of templates to look-ups."""

from collections.abc import Iterator
from dataclasses import dataclass

from domain.patterns.template import ANY, STAR, atoms, describes, is_word, loosened, skeleton

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


class Cluster:
    """A pattern in memory: its template taken apart, and the pattern it became part of."""

    __slots__ = ("age", "bones", "id", "into", "known", "parts", "template")

    def __init__(self, pattern: str, template: str, age: int):
        self.id = pattern
        self.age = age
        self.into: Cluster | None = None
        self.take(template)

    def take(self, template: str) -> None:
        """Have this template from now on."""
        self.template = template
        self.parts = atoms(template)
        self.bones = skeleton(self.parts)
        self.known = Mined(self.id, discovered=False, generalized=False, template=template)

    def final(self) -> "Cluster":
        """The pattern this one is part of today."""
        cluster = self
        while cluster.into is not None:
            cluster = cluster.into
        return cluster


class Likeness:
    """Indices over skeletons, by keys of what they have in common."""

    def __init__(self) -> None:
        self._same: dict[int, Cluster] = {}
        self._near: dict[int, list[Cluster]] = {}
        self._loose: dict[int, list[Cluster]] = {}
        self._anchored: dict[tuple[int, int, str], list[Cluster]] = {}

    def add(self, cluster: Cluster) -> None:
        """Let the cluster be found."""
        for index, key in self._places(cluster):
            index.setdefault(key, []).append(cluster)
        self._same.setdefault(hash(cluster.bones), cluster)
        if ANY in cluster.parts and (anchor := _anchor(cluster.bones)):
            self._anchored.setdefault(anchor, []).append(cluster)

    def remove(self, cluster: Cluster) -> None:
        """Let it be found no more; to be done before its template changes."""
        for index, key in self._places(cluster):
            index[key].remove(cluster)
            if not index[key]:
                del index[key]
        if self._same.get(hash(cluster.bones)) is cluster:
            del self._same[hash(cluster.bones)]
        if ANY in cluster.parts and (anchor := _anchor(cluster.bones)):
            self._anchored[anchor].remove(cluster)

    def same(self, bones: tuple[str, ...]) -> Cluster | None:
        """The pattern with exactly this skeleton."""
        found = self._same.get(hash(bones))
        return found if found is not None and found.bones == bones else None

    def describing(self, bones: tuple[str, ...]) -> Cluster | None:
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

    def described(self, bones: tuple[str, ...]) -> list[Cluster]:
        """Patterns with a word at one place, or dotted names, where this skeleton has stars."""
        if STAR not in bones:
            return []
        near = self._near.get(hash(bones), ())
        loose = self._loose.get(hash(loosened(bones)), ())
        found = {c.age: c for c in (*near, *loose) if describes(bones, c.bones)}
        return [found[age] for age in sorted(found)]

    def many(self, bones: tuple[str, ...]) -> list[Cluster]:
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

    def _places(self, cluster: Cluster) -> Iterator[tuple[dict[int, list[Cluster]], int]]:
        for key in _near_keys(cluster.bones):
            yield self._near, key
        for key in _loose_keys(cluster.bones):
            yield self._loose, key


def _age(cluster: Cluster) -> int:
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
