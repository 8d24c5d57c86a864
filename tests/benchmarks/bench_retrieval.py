"""How well a question finds the log line it is about: by words, by meaning, by both.

    python -m tests.benchmarks.bench_retrieval

Pairs nobody wrote for this: each failure rule of the knowledge catalogue has a title and an
explanation in a person's words, and example lines in a program's words. The question is the title,
the explanation, or the rarest word of the rule's first example; the corpus is all example lines of
all rules; a line is right when it is an example of the rule the question came from. Fusion is
`application.searching.fuse`.
"""

import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np

from application.searching import fuse
from domain.knowledge.rule import Role
from infrastructure.embeddings import LEAST_SIMILARITY, CachedEmbedder, MiniLm
from infrastructure.knowledge_files import load_knowledge
from projections.history.answers import TextHit
from projections.history.words import any_of
from projections.vectors.queries import VectorHit

DEPTH = 50
_OFF_TOPIC = [
    "banana pancake recipe",
    "how to train a puppy to sit",
    "cheapest flights to Lisbon in spring",
    "history of the Roman republic",
    "best hiking trails near the lake",
    "piano lessons for beginners",
    "symptoms of a common cold",
    "who won the football final",
    "watering tomatoes in summer",
    "a poem about autumn leaves",
    "how to knit a scarf",
    "price of gold today",
    "wedding dress ideas",
    "guitar chords for a love song",
    "planets of the solar system",
    "chocolate cake without eggs",
    "train timetable to the coast",
    "learn Spanish verbs",
    "yoga for back pain",
    "painting a wooden fence",
    "xqzv blorf",
    "asdfgh jkl",
    "kumquat",
    "giraffe",
    "purple elephant dancing",
    "the meaning of life",
    "butterfly species of Europe",
    "how old is the queen",
    "mortgage interest rates",
    "folding paper cranes",
]
"""Questions of everyday life, and no words at all: nothing in a log answers them."""


def main() -> None:
    """Print a table: question, search, recall@1, recall@5, mean reciprocal rank."""
    lines, questions = _material()
    texts = [text for _, text in lines]
    words = _by_words(texts)
    with tempfile.TemporaryDirectory() as directory:
        embedder = CachedEmbedder(MiniLm(), Path(directory, "cache.db"))
        began = time.perf_counter()
        embedder.embed(["a first text loads the model"])
        cold = time.perf_counter() - began
        began = time.perf_counter()
        matrix = np.array(embedder.embed(texts))
        speed = embedder.embedded / (time.perf_counter() - began)

        def meaning(question: str) -> list[int]:
            (vector,) = embedder.embed([question])
            return [int(n) for n in np.argsort(-(matrix @ vector), kind="stable")[:DEPTH]]

        def both(question: str) -> list[int]:
            return _fused(words(question), meaning(question))

        print(f"{embedder.model}: cold {cold:.2f} s, {speed:.0f} texts/s a thread")  # noqa: T201
        for name, asked in questions.items():
            print(f"{name}: {len(asked)} questions, {len(lines)} lines")  # noqa: T201
            for label, search in (("words", words), ("meaning", meaning), ("both", both)):
                print(f"  {label:8} {_score(search, asked, lines)}")  # noqa: T201
            kept = fmean(
                max(s for s, (rule, _) in zip(matrix @ vector, lines, strict=True) if rule == about)
                >= LEAST_SIMILARITY
                for (about, _), vector in zip(
                    asked, embedder.embed([question for _, question in asked]), strict=True
                )
            )
            print(f"  {kept:.3f} keep a right line above {LEAST_SIMILARITY}")  # noqa: T201
        empty = fmean(
            float(np.max(matrix @ vector)) < LEAST_SIMILARITY
            for vector in embedder.embed(_OFF_TOPIC)
        )
        print(f"off topic: {empty:.3f} of {len(_OFF_TOPIC)} questions find nothing")  # noqa: T201


def _material() -> tuple[list[tuple[str, str]], dict[str, list[tuple[str, str]]]]:
    """(rule id, line) of the corpus, and (rule id, question) by kind of question."""
    rules = [
        rule
        for technology in load_knowledge().technologies.values()
        for rule in technology.rules
        if rule.role in (Role.CAUSE, Role.SYMPTOM)
    ]
    lines = [(rule.id, example) for rule in rules for example in rule.examples]
    return lines, {
        "title": [(rule.id, rule.title) for rule in rules],
        "explanation": [(rule.id, rule.explanation) for rule in rules if rule.explanation],
        "rarest word": [(rule.id, _rarest(rule.examples[0], lines)) for rule in rules],
    }


def _rarest(line: str, lines: Sequence[tuple[str, str]]) -> str:
    """What one would copy out of a line to look for it: its rarest word, of equals the longest."""
    words = sorted(set(re.findall(r"\w+", line)), key=lambda word: (-len(word), word))
    texts = [text.lower() for _, text in lines]
    return min(words, key=lambda word: sum(word.lower() in text for text in texts))


def _by_words(texts: Sequence[str]) -> Callable[[str], list[int]]:
    database = sqlite3.connect(":memory:")
    database.execute(
        "CREATE VIRTUAL TABLE t USING fts5(x, tokenize='unicode61 remove_diacritics 2')"
    )
    database.executemany("INSERT INTO t(rowid, x) VALUES (?, ?)", enumerate(texts))

    def search(question: str) -> list[int]:
        expression = any_of(question)
        if not expression:
            return []
        found = database.execute(
            "SELECT rowid FROM t WHERE t MATCH ? ORDER BY bm25(t) LIMIT ?", (expression, DEPTH)
        )
        return [int(row[0]) for row in found]

    return search


def _fused(words: Sequence[int], meaning: Sequence[int]) -> list[int]:
    hits = fuse(
        {
            "words": [
                TextHit(kind="pattern", id=str(n), title="", snippet="", score=0) for n in words
            ],
            "meaning": [
                VectorHit(kind="pattern", id=str(n), title="", score=0, payload={}) for n in meaning
            ],
        }
    )
    return [int(hit.id) for hit in hits]


def _score(
    search: Callable[[str], list[int]],
    asked: Sequence[tuple[str, str]],
    lines: Sequence[tuple[str, str]],
) -> str:
    ranks = []
    for rule, question in asked:
        found = search(question)
        ranks.append(next((r for r, n in enumerate(found, 1) if lines[n][0] == rule), 0))
    first = fmean(rank == 1 for rank in ranks)
    fifth = fmean(0 < rank <= 5 for rank in ranks)
    reciprocal = fmean(1 / rank if rank else 0 for rank in ranks)
    return f"recall@1 {first:.3f}  recall@5 {fifth:.3f}  MRR {reciprocal:.3f}"


if __name__ == "__main__":
    main()
