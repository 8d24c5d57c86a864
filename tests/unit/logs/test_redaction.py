"""Secrets leave the text, everything else stays."""

import pytest

from domain.logs.framing import PhysicalLine
from domain.logs.parser import SourceParser
from domain.logs.redaction import Redactor
from infrastructure.format_files import load_formats

SECRETS = [
    ("postgres://shop:p@ss/w@db:5432/x", "p@ss"),
    ("redis://:hunter2@cache:6379/0", "hunter2"),
    ("connecting password=hunter2 host=db", "hunter2"),
    ('{"password": "hun\\"ter2", "user": "x"}', "ter2"),
    ('body={\\"password\\":\\"hunter2\\"}', "hunter2"),
    ("DB_PASSWORD: hunter2", "hunter2"),
    ("{'client_secret': 'hunter2'}", "hunter2"),
    ("api_key=hunter2", "hunter2"),
    ("AccountKey=abcdef0123456789==;EndpointSuffix=core", "abcdef0123456789"),
    ("Authorization: Bearer hunter2abc", "hunter2abc"),
    ('"authorization":"Basic dXNlcjpwYXNz"', "dXNlcjpwYXNz"),
    ("sending bearer abcDEF123456", "abcDEF123456"),
    ("Cookie: sid=abc; theme=dark", "sid=abc"),
    ("Set-Cookie: session=abc; Path=/", "session=abc"),
    ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "eyJzdWIiOiIxIn0"),
    ("key AKIAIOSFODNN7EXAMPLE used", "AKIAIOSFODNN7EXAMPLE"),
    ("AIza" + "a" * 35, "AIza"),
    ("ghp_" + "a1B2" * 9, "ghp_"),
    ("glpat-" + "a1B2" * 5, "glpat-"),
    ("xoxb-123456789012-abcdefgh", "xoxb-"),
    ("sk_live_abcdefghij1234", "sk_live_"),
    ("sk-proj-abcdefghij1234567890", "sk-proj-"),
    ("ALTER USER app PASSWORD 'hunter2'", "hunter2"),
    ("mysqldump --password hunter2 shop", "hunter2"),
    ("card 4111 1111 1111 1111 declined", "4111"),
    ("card 378282246310005 declined", "378282246310005"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_is_replaced_by_a_typed_placeholder(text: str, secret: str) -> None:
    """The secret is gone, a placeholder says what it was, and doing it again changes nothing."""
    redactor = Redactor()
    redacted = redactor.redact(text)
    assert secret not in redacted
    assert "[REDACTED:" in redacted
    assert redactor.redact(redacted) == redacted
    assert redactor.redact_all(["nothing", text, "nothing"])[1] == redacted


@pytest.mark.parametrize(
    "text",
    [
        'FATAL:  password authentication failed for user "shop"',
        "password reset requested by customer 17",
        "unexpected token: end of input",
        "NOAUTH Authentication required. token expired",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "request 550e8400-e29b-41d4-a716-446655440000 done",
        "order 4111111111111112 placed",
        "time=1795442475172 blk_38865049064139660",
        "basic authentication failed",
        "max_tokens=4096 tokens: 17",
        "foreign key (order_id)=(17) is not present, primary key=orders_pkey",
        "GET https://shop.example:8443/a?b=c",
        "bypass: enabled, compass=north",
        "password=null token=",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    """Causes of failures, hashes and ids must stay readable."""
    assert Redactor().redact(text) is text


def test_a_private_key_disappears_whole_and_its_lines_stay() -> None:
    """From BEGIN to END, and to the end of the text where END is missing."""
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"
    redactor = Redactor()
    gone = "[REDACTED:private_key]"
    assert redactor.redact(f"a {key} b") == f"a {gone}\n{gone}\n{gone} b"
    assert redactor.redact(f"a {key[:40]}".replace("\n", "\\n")) == f"a {gone}"


def test_only_the_secret_leaves_the_line() -> None:
    """Names, attributes, quotes and what follows stay for whoever reads the log."""
    redacted = Redactor().redact
    assert redacted('{"password": "hun,ter2", "user": "x"}') == (
        '{"password": "[REDACTED:password]", "user": "x"}'
    )
    assert redacted("Set-Cookie: sid=abc; Path=/; Secure") == (
        "Set-Cookie: sid=[REDACTED:cookie]; Path=/; Secure"
    )
    assert redacted("Pool(password=a)b,c, user=x)") == "Pool(password=[REDACTED:password], user=x)"
    assert (
        redacted("x%26password%3Dhunter2%26y%3D1") == "x%26password%3D[REDACTED:password]%26y%3D1"
    )
    assert redacted(r'"{\"password\":\"hunter2\"}"') == r'"{\"password\":\"[REDACTED:password]\"}"'


def test_equal_secrets_stay_correlatable_with_a_key() -> None:
    """Wherever the secret stands; another secret or another key gives another mark."""
    redacted = Redactor(b"one key").redact
    in_url = redacted("redis://:hunter2@cache:6379/0")
    assigned = redacted("password=hunter2")
    mark = assigned.removeprefix("password=")
    assert mark in in_url
    assert mark != redacted("password=hunter3").removeprefix("password=")
    assert mark != Redactor(b"other key").redact("password=hunter2").removeprefix("password=")
    assert redacted(assigned) == assigned


def test_every_line_of_a_private_key_in_a_file_is_hidden_with_a_key_too() -> None:
    """The parser sees one line at a time and must recognise the placeholder of the first."""
    key = ["-----BEGIN PRIVATE KEY-----", "MIIEvQIBADANBgkq", "-----END PRIVATE KEY-----"]
    lines = [PhysicalLine(n, text, n) for n, text in enumerate(["before", *key, "after"], 1)]
    parser = SourceParser("app", load_formats(), redactor=Redactor(b"one key"))
    parsed = parser.feed(lines, 1) + parser.flush(1)
    text = "\n".join(one.record.body for one in parsed)
    assert "MII" not in text
    assert "after" in text


def test_personal_data_is_hidden_only_when_asked_for() -> None:
    """Mail and IP addresses and bank accounts are often what a diagnosis needs."""
    text = (
        "joe@example.com from 203.0.113.7, [2001:db8::1]:443 and 127.0.0.1 DE89370400440532013000"
    )
    assert Redactor().redact(text) is text
    assert Redactor(emails=True, addresses=True, ibans=True).redact(text) == (
        "[REDACTED:email] from [REDACTED:ip], [[REDACTED:ip]]:443 and 127.0.0.1 [REDACTED:iban]"
    )
    version = "at 12:30:45 v1.2.3 DE89370400440532013001"
    assert Redactor(emails=True, addresses=True, ibans=True).redact(version) is version
