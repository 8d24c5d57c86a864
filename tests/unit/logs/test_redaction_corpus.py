"""Redaction measured on thousands of generated lines; the figures are printed with -s."""

import pytest

from domain.logs.redaction import Redactor
from tests.corpus.lookalikes import lookalike_lines
from tests.corpus.measuring import Measured, measure
from tests.corpus.secrets import PROVIDERS, secret_lines

ENOUGH = 20
"""Members a kind needs before its own recall says something."""


@pytest.fixture(scope="module")
def measured() -> Measured:
    """The whole corpus, redacted as the parser does it: many lines at once."""
    redactor = Redactor(b"key of a store")

    def in_slices(texts: list[str]) -> list[str]:
        slices = (texts[at : at + 512] for at in range(0, len(texts), 512))
        return [text for some in slices for text in redactor.redact_all(some)]

    measured = measure(in_slices)
    print("\n" + measured.table())  # noqa: T201
    return measured


def test_the_corpus_is_as_large_and_varied_as_the_issue_asks() -> None:
    """1,000 secrets or more, 40 provider shapes or more, 5,000 look-alikes."""
    assert len(secret_lines()) >= 1_000
    assert len(PROVIDERS) >= 40
    assert len(lookalike_lines()) >= 5_000


def test_the_corpus_is_the_same_every_time() -> None:
    """A figure can be made again."""
    assert secret_lines() == secret_lines()
    assert lookalike_lines() == lookalike_lines()


def test_nearly_every_secret_is_found_and_hardly_anything_else(measured: Measured) -> None:
    """Recall and precision over all; touching more of a line than the secret is wrong."""
    assert measured.recall >= 0.95, measured.table()
    assert measured.precision >= 0.95, measured.table()


def test_no_kind_of_secret_is_forgotten(measured: Measured) -> None:
    """A good mean must not hide a shape that always escapes."""
    weak = {
        kind: measured.found[kind] / members
        for kind, members in measured.members.items()
        if members >= ENOUGH and measured.found[kind] / members < 0.90
    }
    assert weak == {}


def test_redacting_the_corpus_again_changes_nothing() -> None:
    """Nor does redacting line by line instead of many at once."""
    redactor = Redactor(b"key of a store")
    texts = [line.text for line in secret_lines()] + [text for _, text in lookalike_lines(1_000)]
    once = redactor.redact_all(texts)
    assert redactor.redact_all(once) == once
    assert [redactor.redact(text) for text in texts] == once
    assert [text.count("\n") for text in once] == [text.count("\n") for text in texts]
