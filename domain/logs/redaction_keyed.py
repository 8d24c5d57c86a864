"""Secrets known by the name they are assigned to: key=value, JSON, YAML, headers, XML, %3D.

The name says that a secret follows; whether one does is decided on the value. What stands after
`password:` in prose, masks, references to variables and the names of Kubernetes secrets must stay
readable: they are often the cause of a failure.
"""

import re

from domain.logs.redaction_rule import (
    PLACEHOLDER,
    Hide,
    Rule,
    free_part,
    looks_random,
    rule,
    substituting_at,
    with_hidden,
)

_VALUE = (
    r"(?:\\{1,15}[\"'](?!\[REDACTED)[^\"'\\\r\n]{1,4096}"
    r"|\"(?!\[REDACTED)(?:[^\"\\\r\n]|\\.){1,4096}"
    r"|'(?!\[REDACTED)(?:[^'\\\r\n]|\\.){1,4096}"
    r"|\[(?!REDACTED)[^\s\[\]\"']{8,512}(?=\])"
    # , & ) } ] belong to the value unless what follows shows that it ended
    r"|(?!\[REDACTED)(?:[^\s,;&\"'\\)}\]]"
    r"|[,&](?![\s,&\"'\\]|\Z|[\w.\[\]-]{1,40}(?:[=:]|%3))|[)}\]](?=[\w!@#$%^*+]))"
    r"{1,1024})"
)
_ENCODED_VALUE = r"(?:[^\s%&\"'<>;,\\)}\]]|%(?!26|22|2[Cc]|7[Dd]|3[Bb]|20|0[AaDd])){1,1024}"

_STRONG = ("api", "access", "private", "secret", "account", "encryption", "signing", "auth",
           "preshared", "subscription", "functions", "license", "master", "hmac")  # fmt: skip
_WEAK = ("app", "application", "client", "service", "session", "shared", "storage", "server",
         "admin", "deploy", "webhook", "bot", "ssh", "host", "user", "global", "integration",
         "ingest", "insert", "write", "read", "live", "routing", "project", "data")  # fmt: skip
_BEFORE_KEY = "|".join(f"(?<={word})|(?<={word}[_-])" for word in (*_STRONG, *_WEAK))
_NAME = (
    r"(?P<key>(?:(?<![a-z])|(?-i:(?<=[a-z])(?=P)))pass(?:code)?|password|passwd|passwort|passphrase"
    r"|pwd|(?<![a-z])pw|secret(?:[_-]?id|string)?|token|credentials?|(?:"
    + _BEFORE_KEY
    + r")key(?:[_-](?:base|id(?<=private_key_id)))?|signature|(?<![a-z])sig)"
    r"(?P<more>[_-]?(?:confirm(?:ation)?|new|old|again|repeat|value|[0-9]))?"
)
_QUOTE_END = r"(?:\\{0,15}[\"'])?(?:\]|%5[Dd])?"
# `{"name": "DB_PASSWORD", "value": "x"}`, as Kubernetes and ECS list environments
_VALUE_OF = r",[ \t\"'\\]{0,16}value[\"'\\]{0,16}[ \t]{0,2}[:=]"
_KEYED = re.compile(
    rf"(?i){_NAME}(?P<sep>{_QUOTE_END}[ \t]{{0,16}}(?:=>|:=|::(?=[ \t])|[=:]|{_VALUE_OF})"
    rf"[ \t]{{0,16}})(?P<value>{_VALUE})"
)
_ENCODED = re.compile(
    rf"(?i){_NAME}(?P<sep>(?:%22|%5D)?%3[AD](?:%20|\+)?(?:%22)?)(?P<value>{_ENCODED_VALUE})"
)
_ELEMENT = re.compile(rf"(?i){_NAME}(?P<sep>>)(?P<value>[^<>\r\n]{{1,1024}})(?=</)")

_WORDS = (
    "pass(?:code|word|wd|wort|phrase)?", "pwd?", "secret(?:[_-]?id|string)?", "token",
    "credentials?",
    "key(?:[_-](?:base|id))?", "sig(?:nature)?",
)  # fmt: skip
_MORE = "(?:[_-]?(?:confirm(?:ation)?|new|old|again|repeat|value|[0-9]))?"
_ASSIGNED = rf"{_QUOTE_END}[ \t]{{0,16}}(?:[=:]|{_VALUE_OF})"
_KEYED_GATES = tuple(f"{word}{_MORE}{_ASSIGNED}" for word in _WORDS)
_ENCODED_GATES = tuple(rf"{word}{_MORE}(?:%22|%5d)?%3[ad]" for word in _WORDS)
_ELEMENT_GATES = tuple(rf"{word}{_MORE}>" for word in _WORDS)
_GATES = tuple(f"{word}{_MORE}(?:{_ASSIGNED}|(?:%22|%5d)?%3|>)" for word in _WORDS)

_HARMLESS = frozenset({
    "null", "none", "nil", "true", "false", "undefined", "empty", "yes", "no", "set", "unset",
    "missing", "invalid", "expired", "required", "redacted", "hidden", "masked", "filtered", "***",
    "not", "is", "the", "for", "was", "has", "unexpected", "failed", "error", "wrong", "incorrect",
    "must", "should", "cannot", "can't", "may", "this", "field", "your", "please", "n/a", "ok",
    "provided", "present", "absent", "found", "changed", "updated", "removed", "omitted", "blank",
    "string", "str", "text", "varchar", "bytes", "int", "integer", "bool", "boolean", "object",
    "array", "number", "optional", "unknown", "default", "disabled", "enabled", "protected",
    "[redacted]", "<redacted>", "revoked", "refreshed", "rotated", "created", "deleted", "too",
    "does", "did", "doesn't", "will", "with", "and", "or", "are", "be", "in", "at", "of", "to",
    "it", "an", "a", "on", "nan", "obscured", "censored", "sensitive", "scrubbed",
})  # fmt: skip
"""What stands after `password:` in prose and masked output; redacting it would hide the cause."""

_REFERENCE = re.compile(
    r"(?:\$\{|\$\(|\{\{|\$[A-Z_]{2,64}\Z|%[sdvq(]|%\{|:[a-z_]{2,40}\Z|\?\Z|@[a-z_]{1,40}\Z|@p\d{1,3}\Z|\$\d\Z"
    r"|(?:os|process|config|self|this|settings|env|request|req|params|args|options|opts|ctx|props"
    r"|form|cfg|conf|values)\.[A-Za-z_.]{1,80}|[A-Za-z_.]{1,60}\(|(?:arn|vault|env|file|ref|ssm|op"
    r"|secretsmanager|keyvault|awssm|gcpsm):|https?://)"
)
_PATH = re.compile(r"(?:~|\.{1,2})?(?:/[a-z0-9._-]{1,64}){2,20}/?\Z")
_NAMED = re.compile(r"[A-Za-z]{1,24}(?:[-_./:][A-Za-z]{1,24}){0,12}(?:[-_.]?v?\d{1,4})?\Z")
_PROSE = re.compile(r"[ \t][a-z']{2,20}(?![\w=:\"/-])")
_NO_SECRET_TOKEN = re.compile(
    r"(?:page|next|continu\w{0,7}|cursor|pagina\w{0,4}|sync|resum\w{0,3}|cancel\w{0,7}|marker|stop"
    r"|unexpected|end|eos|bos|pad|unk|start|prompt|completion|reserved|scan|list|batch|trace|fencing"
    r"|lease|offending|unknown|syntax|illegal|parse)[_ -]?\Z"
)
_LONG_SIGNATURE = re.compile(r"(?:[0-9a-fA-F]{32,}|[\w%+/=-]{27,})\Z")


def keyed_rules() -> tuple[Rule, ...]:
    """Assignments as they are written, URL-encoded, and as XML elements."""

    def apply(text: str, hide: Hide) -> str:
        text = written(text, hide)
        if "%3" in text:
            text = encoded(text, hide)
        return element(text, hide) if "</" in text else text

    written = substituting_at(_KEYED_GATES, _KEYED, _replaced)
    encoded = substituting_at(_ENCODED_GATES, _ENCODED, _replaced)
    element = substituting_at(_ELEMENT_GATES, _ELEMENT, _replaced)
    return (rule(_GATES, apply, folded=True),)


def _replaced(match: re.Match[str], hide: Hide) -> str:
    start, end = free_part(match, "value")
    value = match.string[start:end]
    bare = value.lstrip("\\\"'")
    if value.startswith("[") and match.string[match.end() : match.end() + 1] == "]":
        bare = value[1:]
    opener = value[: len(value) - len(bare)]
    if not _is_secret(match, opener, bare):
        return match[0]
    key = match["key"].lower()
    kind = "password" if key.startswith(("pass", "pw")) else "secret"
    if "token" in key:
        kind = "token"
    elif key.startswith("key"):
        kind = "key"
    elif key.startswith("sig"):
        kind = "signature"
    return with_hidden(match, "value", kind, hide, opener=len(opener))


def _is_secret(match: re.Match[str], opener: str, bare: str) -> bool:
    if not bare or is_mask(bare) or _says_something(match, bare):
        return False
    key, separator = match["key"].lower(), match["sep"]
    if key.startswith("sig"):
        return _LONG_SIGNATURE.match(bare) is not None
    assigned = bool(opener) or "=" in separator or "%" in separator or ">" in separator
    if key.startswith(("password", "passw", "passphrase", "passcode", "pw")):
        return "/" not in bare[:1] or _PATH.match(bare) is None
    if _PATH.match(bare) is not None or (opener == "[" and not looks_random(bare)):
        return False
    before = match.string[max(0, match.start() - 24) : match.start()].lower()
    if key == "token" and _NO_SECRET_TOKEN.search(before):
        return False
    if key.startswith("key") and not before.rstrip("_-").endswith(_STRONG):
        return len(bare) >= 16 and _dense(bare)
    if key in ("secret", "token", "credential", "credentials") and not before.endswith(("_", "-")):
        compound = match.string[match.start() - 1 : match.start()].isalpha()
        if not compound and (_is_name(bare, assigned) or not looks_random(bare)):
            return False
    if key == "pass" and not any(c.isalpha() for c in bare) and "=" not in separator:
        return False  # `pass: 100/120 tests`
    if assigned:
        return not (key in ("pass", "token") and bare.isdigit() and len(bare) < 6)
    # `unexpected token: foo` is prose, `token: 8f3kd02lsk` is not
    return len(bare) >= 6 and looks_random(bare) and _NAMED.match(bare) is None


def is_mask(bare: str) -> bool:
    """Whether the value is hidden already, empty of meaning, or only refers to a secret."""
    word = bare.strip(".,;:!").lower()
    return (
        word in _HARMLESS
        or bare.startswith((PLACEHOLDER, "<", "{", "[", "(", "...", "\u2022", "="))
        or "***" in bare
        or len(set(word)) <= 1
        or _REFERENCE.match(bare) is not None
    )


def _says_something(match: re.Match[str], bare: str) -> bool:
    """Prose: `password: must be longer`, `"password": "is required"`."""
    first, _, rest = bare.partition(" ")
    if rest:
        return first.lower() in _HARMLESS
    if ":" not in match["sep"] or not (bare.isalpha() and bare.islower()):
        return False
    return _PROSE.match(match.string, match.end()) is not None


def _is_name(bare: str, assigned: bool) -> bool:
    """The name of a thing: `db-creds-v2`; in prose also one word, `token: value1`."""
    return _NAMED.match(bare) is not None and (not assigned or any(c in "-_./:" for c in bare))


def _dense(bare: str) -> bool:
    """Letters and digits mixed as in random text, not a name with a number."""
    digits = sum(c.isdigit() for c in bare)
    letters = sum(c.isalpha() for c in bare)
    return digits >= 2 and letters >= 4 and " " not in bare and _NAMED.match(bare) is None
