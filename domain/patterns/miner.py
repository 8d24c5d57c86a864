"""Finds the pattern of each message, online: known shapes by one look-up, new ones by likeness.

A new shape goes through three questions, each of which needs only look-ups in indices derived
from the templates themselves (so that the templates are the whole state, and events restore it):

1. Is there a pattern with the same words, differing only in what varies by nature?
2. Is there one that differs in a single word, at a place already known to vary?
3. Do so many patterns differ from it in the same single word that the place must be a slot?
"""

from collections import OrderedDict
from dataclasses import dataclass

from domain.patterns.masking import Masking
from domain.patterns.pattern import pattern_id as identity
from domain.patterns.template import ANY, atoms, is_word, skeleton, tidy, widen

_REMEMBERED_SHAPES = 1 << 16
_MANY = 4


@dataclass(slots=True, frozen=True)
class Mined:
    """The pattern of one message, and what the message taught.

    `pattern_id` is the text of a UUID. `discovered`: the pattern is new. `generalized`: its
    template became wider with this message.
    """

    pattern_id: str
    discovered: bool
    generalized: bool
    template: str


class _Cluster:
    __slots__ = ("bones", "id", "known", "parts", "template")

    def __init__(self, pattern: str, template: str):
        self.id = pattern
        self.take(template)

    def take(self, template: str) -> None:
        self.template = template
        self.parts = atoms(template)
        self.bones = skeleton(self.parts)
        self.known = Mined(self.id, discovered=False, generalized=False, template=template)


class Miner:
    """Assigns messages to patterns. The same messages in the same order give the same patterns."""

    def __init__(self) -> None:
        self._shape = Masking().shape
        self._shapes: OrderedDict[str, _Cluster] = OrderedDict()
        self._clusters: dict[str, _Cluster] = {}
        self._same: dict[int, _Cluster] = {}
        self._near: dict[int, dict[str, _Cluster]] = {}
        self._into: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._clusters)

    def assign(self, body: str) -> Mined:
        """The pattern of `body`; never fails, whatever the body holds."""
        shape = self._shape(body)
        cluster = self._shapes.get(shape)
        if cluster is not None:
            return cluster.known
        mined = self._learn(tidy(shape))
        if len(self._shapes) >= _REMEMBERED_SHAPES:
            self._shapes.popitem(last=False)
        self._shapes[shape] = self._clusters[mined.pattern_id]
        return mined

    def restore(self, pattern_id: str, template: str) -> None:
        """Put back a pattern from its events, in their order; a later template replaces."""
        cluster = self._clusters.get(pattern_id)
        if cluster is None:
            cluster = self._clusters[pattern_id] = _Cluster(pattern_id, template)
        else:
            self._unlink(cluster)
            cluster.take(template)
        self._link(cluster)

    def current(self, pattern_id: str) -> str:
        """The pattern that `pattern_id` became part of, itself if none."""
        while (into := self._into.get(pattern_id)) is not None:
            pattern_id = into
        return pattern_id

    def templates(self) -> dict[str, str]:
        """All patterns: id to template."""
        return {cluster.id: cluster.template for cluster in self._clusters.values()}

    def _learn(self, template: str) -> Mined:
        parts = atoms(template)
        bones = skeleton(parts)
        cluster = self._same.get(hash(bones))
        if cluster is not None:
            return self._widen(cluster, parts)
        cluster = _Cluster(str(identity(template)), template)
        self._clusters[cluster.id] = cluster
        self._link(cluster)
        return Mined(cluster.id, discovered=True, generalized=False, template=template)

    def _widen(self, cluster: _Cluster, parts: list[str]) -> Mined:
        template = "".join(widen(cluster.parts, parts))
        if template == cluster.template:
            return cluster.known
        self._unlink(cluster)
        cluster.take(template)
        self._link(cluster)
        return Mined(cluster.id, discovered=False, generalized=True, template=template)

    def _link(self, cluster: _Cluster) -> None:
        self._same.setdefault(hash(cluster.bones), cluster)

    def _unlink(self, cluster: _Cluster) -> None:
        if self._same.get(hash(cluster.bones)) is cluster:
            del self._same[hash(cluster.bones)]
