"""Redaction of any text: idempotent, never longer than it must be, linear on hostile input."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.logs.redaction import Redactor

REDACTOR = Redactor()
PIECES = st.sampled_from(
    ["password", "=", ":", '"', "'", "\\", " ", "token", "Bearer ", "://", "@", "a:b", "cookie",
     "[REDACTED:password]", "eyJ", "AKIA", "--", "4111111111111111", "-----BEGIN PRIVATE KEY-----",
     "key", "api_", "x1", "\u0130", "Authorization: ", "sk-", "{", "}", ",", "&sig="]
)  # fmt: skip


@given(st.lists(PIECES, max_size=30).map("".join))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    """A placeholder is never taken for a secret."""
    once = REDACTOR.redact(text)
    assert REDACTOR.redact(once) == once


@given(st.lists(st.lists(PIECES, max_size=8).map("".join), max_size=10))
def test_many_texts_are_redacted_like_each(texts: list[str]) -> None:
    """The shortcut over many lines changes nothing."""
    assert REDACTOR.redact_all(texts) == [REDACTOR.redact(text) for text in texts]


@pytest.mark.parametrize(
    "unit",
    ["password", "password=", 'password:"', "token=\\", "://", "://a:", "eyJ", "eyJaaaaaaaaa.",
     "bearer ", "authorization: ", "cookie: ", "-----BEGIN PRIVATE KEY-----", "4111", "4111 ",
     "sk-", "a", "--password ", "key=", "\\\"", "xoxb-"],
)  # fmt: skip
def test_hostile_repetition_of_200_kb_is_survived(unit: str) -> None:
    """Each of these is quadratic or worse for careless patterns and would hit the time limit."""
    text = unit * (200_000 // len(unit))
    assert isinstance(REDACTOR.redact(text), str)
    assert isinstance(REDACTOR.redact(text + "!"), str)
