"""Whether a text shows something that looks like a secret.

The last look before text leaves: records were redacted before they were recorded, but a model may
repeat what slipped through, or what it was told elsewhere. Every repetition is bounded: the text
may be hostile.
"""

import re

_SECRETS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a private key", re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----")),
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_\w{30,255})")),
    ("a Slack token", re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,200}")),
    (
        "an API key",
        re.compile(r"\b(?:sk|pk|rk)[-_](?:live|test|proj|ant)?[-_]?[A-Za-z0-9_-]{20,200}"),
    ),
    ("a Google API key", re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b")),
    ("a GitLab token", re.compile(r"\bglpat-[A-Za-z0-9_-]{20,60}")),
    ("a JSON web token", re.compile(r"\beyJ[\w-]{10,2000}\.eyJ[\w-]{5,4000}\.[\w-]{10,1000}")),
    (
        "a bearer token",
        re.compile(r"\bbearer\s+(?=[\w.~+/-]{0,60}\d)[\w.~+/-]{20,2000}", re.IGNORECASE),
    ),
)
_URL_PASSWORD = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{0,100}:([^\s/@]{3,200})@", re.IGNORECASE
)
_ASSIGNED = re.compile(
    r"(?:password|passwd|pwd|passphrase|secret|api[_-]?key|access[_-]?key|auth[_-]?token|token)"
    r"[\"']?\s{0,3}[=:]\s{0,3}[\"']?([^\s\"',;&]{6,200})",
    re.IGNORECASE,
)
# What stands where a secret was taken out, or is to be put in: <password>, ${DB_PASSWORD}, ****.
_PLACEHOLDER = re.compile(
    r"^[\[<({$%*.@`]|redact|\*{3}|x{4}|your|change|example|placeholder|secret|\.\.\.", re.IGNORECASE
)


def leaked_secrets(text: str) -> list[str]:
    """What kinds of secret the text seems to hold, never the secret itself."""
    found = [name for name, pattern in _SECRETS if pattern.search(text)]
    if any(not _PLACEHOLDER.search(m[1]) for m in _URL_PASSWORD.finditer(text)):
        found.append("a password in a URL")
    if any(_looks_chosen(m[1]) for m in _ASSIGNED.finditer(text)):
        found.append("a password or key with its value")
    return found


def _looks_chosen(value: str) -> bool:
    """A value with digits and letters; prose ("password: incorrect") has not both."""
    return (
        not _PLACEHOLDER.search(value)
        and any(c.isdigit() for c in value)
        and any(c.isalpha() for c in value)
    )
