"""Redaction of any text: idempotent, never longer than it must be, linear on hostile input."""

import inspect
import io
import re
import tokenize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.logs import (
    redaction_headers,
    redaction_keyed,
    redaction_personal,
    redaction_providers,
)
from domain.logs.redaction import Redactor

REDACTOR = Redactor()
KEYED = Redactor(b"key", emails=True, addresses=True, ibans=True)
PIECES = st.sampled_from(
    ["password", "=", ":", '"', "'", "\\", " ", "token", "Bearer ", "://", "@", "a:b", "cookie",
     "[REDACTED:password]", "eyJ", "AKIA", "--", "4111111111111111", "-----BEGIN PRIVATE KEY-----",
     "key", "api_", "x1", "\u0130", "Authorization: ", "sk-", "{", "}", ",", "&sig=", "\n", "%3D",
     "%22", "--password ", "-p ", "mysql ", "[", "]", ">", "</", "[REDACTED:token:3fa1c2]",
     "secret", "ghp_" + "a1" * 18, "@x", "sid=1; ", "Basic ", "AUTH"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=30).map("".join))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    """A placeholder is never taken for a secret, and no line is lost or made."""
    for redactor in (REDACTOR, KEYED):
        once = redactor.redact(text)
        assert redactor.redact(once) == once
        assert once.count("\n") == text.count("\n")


@given(st.lists(st.lists(PIECES, max_size=8).map("".join), max_size=10))
def test_many_texts_are_redacted_like_each(texts: list[str]) -> None:
    """The shortcut over many lines changes nothing."""
    assert REDACTOR.redact_all(texts) == [REDACTOR.redact(text) for text in texts]


@pytest.mark.parametrize(
    "unit",
    ["password", "password=", 'password:"', "token=\\", "://", "://a:", "eyJ", "eyJaaaaaaaaa.",
     "bearer ", "authorization: ", "cookie: ", "-----BEGIN PRIVATE KEY-----", "4111", "4111 ",
     "sk-", "a", "--password ", "key=", "\\\"", "xoxb-", "-eyJaaaaaaaa", "secret%3D", "password>",
     "a=b;", "cookie:a=b;", "mysql -", "curl -u a:", "login -p", "sshpass ", "://a@", "a@b.",
     "1:", "0.0.", "DE89 ", "s.aaaaaaaaaaaa", "M" * 24 + ".", "f", "password\\",
     "pass,a", "%3a%2f%2fa"],
)  # fmt: skip
def test_hostile_repetition_of_200_kb_is_survived(unit: str) -> None:
    """Each of these is quadratic or worse for careless patterns and would hit the time limit."""
    text = unit * (200_000 // len(unit))
    assert isinstance(KEYED.redact(text), str)
    assert isinstance(KEYED.redact(text + "!"), str)


@pytest.mark.parametrize("number", range(len(KEYED.gates)))
def test_no_gate_stumbles_over_its_own_words(number: int) -> None:
    """What a gate looks for, cut short and repeated, costs no more than any other text."""
    literal = re.sub(r"\(\?:|[\\()]|\[[^\]]*\]|\{[^}]*\}|[?*+]", "", KEYED.gates[number]).split(
        "|"
    )[0]
    text = literal * (200_000 // max(1, len(literal)))
    assert isinstance(KEYED.redact(text), str)


def test_every_repetition_in_every_pattern_is_bounded() -> None:
    """No star and no plus outside a set of characters, as hostile input would make them costly."""
    modules = (redaction_headers, redaction_keyed, redaction_personal, redaction_providers)
    for source in (inspect.getsource(module) for module in modules):
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type != tokenize.STRING or not token.string.startswith(("r", '"', "'")):
                continue
            bare = re.sub(r"\\.|\[(?:\\.|[^\]\\])*\]", "x", token.string)
            assert not re.search(r"[\w)][*+](?!\w* )", bare) or token.string.startswith('"""'), bare
