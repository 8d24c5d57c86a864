"""Secrets known by where they stand: headers, cookies, URLs, command lines, SQL."""

import re

from domain.logs.redaction_keyed import is_mask
from domain.logs.redaction_rule import (
    Hide,
    Replacement,
    Rule,
    free_part,
    looks_random,
    rule,
    substituting,
    with_hidden,
)

_URL = (
    # databases and brokers: people do not encode what they write there, / ? # may be in a password
    r"(?<=://)(?P<user>(?<!ttp://)(?<!tps://)[^\s:/@\"'\\<>]{0,128}):"
    r"(?P<password>(?!\[REDACTED|\d{1,5}[/,?#]|\d{1,5}@)[^\s\"'\\<>]{1,256})@(?=[\w\[.*-])"
    r"|(?<=://)(?P<user2>[^\s:/@\"'\\<>]{0,128}):"
    r"(?P<password2>(?!\[REDACTED)[^\s/\"'\\?#<>]{1,256})@"
    # a mail address as the user, as mail servers want it
    r"|(?<=://)[^\s:/@\"'\\<>]{1,64}@[\w.-]{1,128}:"
    r"(?P<password3>(?!\[REDACTED|\d{1,5}(?:\D|\Z))[^\s/@\"'\\<>]{1,128})@"
)
_WITH_USER = r"://[^\s@]{0,400}@"
_USERINFO_ALONE = r"(?<=://)[A-Za-z0-9_-]{20,128}(?=@[\w.-]{1,100})"
_ENCODED_URL = (
    r"(?i)(?<=%3a%2f%2f)(?P<user>[\w.~-]{1,64})%3a"
    r"(?P<password>(?:[\w.~+!$*-]|%(?!40|2f)){1,256})%40"
)
_DSN = r"(?P<user>\b[\w.-]{1,64}):(?P<password>(?!\[REDACTED)[^\s\"'\\/]{1,128})@(?:tcp|unix)\("
_ORACLE = r"(?i)(?<=oracle:thin:)(?P<user>\w{1,64})/(?P<password>(?!\[REDACTED)[^\s\"'\\]{1,128})@"
_HEADER = (
    r"(?i)(?P<key>authorization(?:\\{0,15}[\"'])?[ \t]{0,2}(?:=>|[:=]|%3A)(?:[ \t]{0,2}|%20|\+)"
    r"(?:\\{0,15}[\"']|\[)?(?:\\{0,15}[\"'])?)"
    r"(?P<scheme>(?:bearer|basic|token|negotiate|ntlm|apikey|sswS|key|hawk)(?:[ \t]{1,2}|%20|\+))?"
    r"(?!\[REDACTED|digest|aws4)(?P<value>[^\s\"'\\,;\]]{4,8192})"
)
_SCHEME = (
    r"(?i)\b(?P<scheme>bearer|basic)(?P<space>[ \t]{1,2}|%20)(?P<value>[a-z0-9+/=._~%|-]{8,8192})"
)
_PARAMETER = re.compile(r"[A-Za-z_]{2,24}=[^=]")
_DIGEST = r"(?i)(?P<key>\bresponse=\\{0,15}[\"']?)(?P<value>[0-9a-f]{32,128})\b"
_PAIR = r"[^\s=;,\"'\\:\[\]]{1,128}=[^\s;,\"'\\\]]{0,4096}"
_COOKIE = (
    r"(?i)(?P<key>cookie(?:\\{0,15}[\"'])?[ \t]{0,2}[:=][ \t]{0,2}(?:\\{0,15}[\"']|\[)?"
    rf"(?:\\{{0,4}}[\"'])?)(?P<pairs>{_PAIR}(?:;[ \t]?{_PAIR}){{0,60}})"
)
_ATTRIBUTES = frozenset({"path", "domain", "expires", "max-age", "samesite", "priority", "version"})
_SESSION = (
    r"(?i)(?P<key>(?:jsessionid|phpsessid|asp\.net_sessionid|connect\.sid)"
    r"(?:\\{0,15}[\"'])?[=:]\\{0,15}[\"']?)(?P<value>(?!\[REDACTED)[\w.%!~+/-]{8,512})"
)
_JWT = (
    # looked behind here and not in the replacement: a run of eyJeyJeyJ is tried once, not often
    r"(?:(?<![\w-])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt]))(?:eyJ[\w-]{8,16384}\.(?:eyJ)?[\w-]{0,16384}\.[\w-]{0,16384}(?:\.[\w-]{0,16384}){0,2}"
    r"|eyJ[\w-]{8,16384}\.eyJ[\w-]{8,16384})"
)
_ARGUMENT = r"(?:'[^'\r\n]{1,256}(?=')|\"[^\"\r\n]{1,256}(?=\")|[^\s\"';|&<>\\]{1,256})"
_FLAG = (
    r"(?i)(?P<key>(?<![\w.-])--?(?:[a-z]{1,20}-)?(?:password|passwd|pass|token|secret"
    r"|(?:api|access|secret|account|auth)-?key|passphrase|requirepass|storepass|keypass|passin)"
    r"(?:[ \t]{1,2}|\\{0,15}[\"'],[ ]?\\{0,15}[\"']))"
    rf"(?P<value>(?![-=:\[]){_ARGUMENT})"
)
_STATEMENT = (
    r"(?i)(?P<key>(?:password|identified by|identified with [\w`']{1,40} by)[ \t]{1,2})"
    r"(?P<value>'[^'\r\n]{1,256}(?='))"
    r"|(?P<key2>identified by[ \t]{1,2}\\{0,15}\")(?P<value2>[^\"\\\r\n]{1,256}(?=\\{0,15}\"))"
    r"|(?P<key3>password\()(?P<value3>'[^'\r\n]{1,256}(?='\)))"
)
_SPOKEN = (
    r"(?i)(?P<key>password (?:is generated for [\w.%@-]{1,128}:|(?:is|was|has been)?[ ]?"
    r"(?:set to|changed to|reset to|is):?)[ ]{1,2}|requirepass [\"']?)"
    r"(?P<value>[^\s\"'\\]{6,128})"
)
_COMMANDS = (
    r"(?P<key>\bsshpass [^|;\r\n]{0,40}?-p[ ]?)(?P<value>{arg})"
    r"|(?P<key2>\b(?:mysql(?:dump|admin|import|check|show)?|mariadb(?:-dump|-admin)?)\b"
    r"[^|;\r\n]{0,200}?[ ]-p)(?P<value2>(?![ \t]){arg})"
    r"|(?P<key3>\b(?:docker|podman|helm registry|nerdctl|az|oc|cf|skopeo|buildah|vsphere) login\b"
    r"[^|;\r\n]{0,200}?[ ]-p[ =])(?P<value3>{arg})"
    r"|(?P<key4>\bredis-cli\b[^|;\r\n]{0,120}?[ ]-a[ ])(?P<value4>{arg})"
    r"|(?P<key5>\b(?:curl|wget)\b[^|;\r\n]{0,200}?[ ](?:-u|--user)[ ]?'?\"?[\w.@-]{1,64}:)"
    r"(?P<value5>[^\s\"'|;]{1,256})"
    r"|(?P<key6>\bldap(?:search|modify|add|delete|whoami|passwd)\b[^|;\r\n]{0,200}?[ ]-w[ ])"
    r"(?P<value6>{arg})"
    r"|(?P<key7>\b(?:mongo|mongosh|mongodump|mongorestore|cqlsh|sqlcmd|influx)\b[^|;\r\n]{0,200}?"
    r"[ ]-(?:p|P)[ ])(?P<value7>{arg})"
).replace("{arg}", _ARGUMENT)
_AUTH = r"(?P<key>\"AUTH\"[ ](?:\"[\w.-]{1,64}\"[ ])?\")(?P<value>[^\"\r\n]{1,256})(?=\")"
_KEY_BEGIN = r"-----? ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-----?"
_BEGIN_KEY = re.compile(_KEY_BEGIN)
_END_KEY = re.compile(r"-----? ?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-----?")
_NEWLINES = re.compile(r"\r?\n")


def opens_private_key(text: str) -> bool:
    """Whether a private key begins in this line and does not end in it."""
    begins = [match.end() for match in _BEGIN_KEY.finditer(text)]
    return bool(begins) and _END_KEY.search(text, begins[-1]) is None


def closes_private_key(text: str) -> bool:
    """Whether a private key that began before ends in this line."""
    return _END_KEY.search(text) is not None


def placed_rules() -> tuple[Rule, ...]:
    """In the order they are applied: what may hold other secrets first."""
    password = _part("password", "password")
    return (
        rule((_KEY_BEGIN,), _without_private_keys),
        rule((_WITH_USER,), substituting(_URL, _url)),
        rule((_WITH_USER,), substituting(_USERINFO_ALONE, _url_token)),
        rule(("%3a%2f%2f",), substituting(_ENCODED_URL, password), folded=True),
        rule((r"@(?:tcp|unix)\(",), substituting(_DSN, password)),
        rule(("oracle:thin:",), substituting(_ORACLE, password), folded=True),
        rule(("authorization",), substituting(_HEADER, _header), folded=True),
        rule((r"bearer(?:[ \t]|%20)", r"basic(?:[ \t]|%20)"), substituting(_SCHEME, _scheme),
             folded=True),
        rule(("digest",), substituting(_DIGEST, _part("value", "digest")), folded=True),
        rule((r"cookie(?:\\{0,15}[\"'])?[ \t]{0,2}[:=]",), substituting(_COOKIE, _cookie),
             folded=True),
        rule(("sess(?:ion)?id", r"t\.sid"),
             substituting(_SESSION, _part("value", "cookie")), folded=True),
        rule(("eyJ",), substituting(_JWT, _jwt)),
    )  # fmt: skip


def command_rules() -> tuple[Rule, ...]:
    """Command lines and statements; after the assignments, which are the better sign."""
    return (
        rule(("-(?:pass|token|secret|api|access|account|auth|requirepass|storepass|keypass)",),
             substituting(_FLAG, _argument), folded=True),
        rule((r"password(?:[ \t]{1,2}'|\()", "identified "), substituting(_STATEMENT, _argument),
             folded=True),
        rule((r"password (?:is|was|has|set|changed|reset) ", "requirepass "),
             substituting(_SPOKEN, _spoken), folded=True),
        rule((" -(?:[puwa]|-user)",), substituting(_COMMANDS, _argument), folded=True),
        rule(('"AUTH" ',), substituting(_AUTH, _part("value", "password"))),
    )  # fmt: skip


def _without_private_keys(text: str, hide: Hide) -> str:
    parts: list[str] = []
    at = 0
    while (begin := _BEGIN_KEY.search(text, at)) is not None:
        end = _END_KEY.search(text, begin.end())
        # without its end, how far the key reaches is unknown: all of it goes
        until = end.end() if end is not None else len(text)
        body = text[begin.end() : end.start() if end is not None else until]
        placeholder = hide("private_key", body if len(body.strip()) > 15 else "")
        breaks = _NEWLINES.findall(text[begin.start() : until])
        parts += [text[at : begin.start()], placeholder, *(f"{b}{placeholder}" for b in breaks)]
        at = until
    return "".join([*parts, text[at:]])


def _part(group: str, kind: str) -> Replacement:
    """Replace one group of the match and keep the rest."""

    def replaced(match: re.Match[str], hide: Hide) -> str:
        if is_mask(match[group]):
            return match[0]
        return with_hidden(match, group, kind, hide)

    return replaced


def _url(match: re.Match[str], hide: Hide) -> str:
    group = match.lastgroup or ""  # the password's, whichever form it is
    if is_mask(match[group]):
        return match[0]
    return with_hidden(match, group, "password", hide)


def _url_token(match: re.Match[str], hide: Hide) -> str:
    return hide("url_token", match[0]) if sum(c.isdigit() for c in match[0]) >= 3 else match[0]


def _header(match: re.Match[str], hide: Hide) -> str:
    value = match["value"]
    alone = match["scheme"] is None  # `authorization=rbac2` is a setting
    if is_mask(value) or (alone and (len(value) < 12 or not looks_random(value))):
        return match[0]
    if match["scheme"] and value.isalpha() and value.islower() and len(value) < 16:
        return match[0]  # `authorization: bearer token missing`
    return with_hidden(match, "value", "authorization", hide)


def _scheme(match: re.Match[str], hide: Hide) -> str:
    value = match["value"]
    if not looks_random(value) or is_mask(value) or _PARAMETER.match(value) is not None:
        return match[0]
    scheme = match["scheme"].lower()
    if scheme == "basic" and value.lower() == value and "=" not in value:
        return match[0]  # `basic training2`: Base64 has capitals
    return with_hidden(match, "value", scheme, hide)


def _cookie(match: re.Match[str], hide: Hide) -> str:
    start, end = free_part(match, "pairs")
    parts = re.split(r"(;[ \t]?)", match.string[start:end])
    for index in range(0, len(parts), 2):
        name, _, value = parts[index].partition("=")
        if value and name.lower() not in _ATTRIBUTES and not is_mask(value):
            parts[index] = f"{name}={hide('cookie', value)}"
    return f"{match['key']}{''.join(parts)}{match.string[end : match.end()]}"


def _jwt(match: re.Match[str], hide: Hide) -> str:
    return hide("jwt", match[0])


def _argument(match: re.Match[str], hide: Hide) -> str:
    group = next(g for g, v in match.groupdict().items() if v is not None and g.startswith("value"))
    value = match[group]
    bare = value.lstrip("'\"")
    if is_mask(bare):
        return match[0]
    return with_hidden(match, group, "password", hide, opener=len(value) - len(bare))


def _spoken(match: re.Match[str], hide: Hide) -> str:
    whole = match["value"]
    value = whole if "generated" in match["key"] else whole.rstrip(".,;:!")
    if is_mask(value) or not looks_random(value):
        return match[0]
    return with_hidden(match, "value", "password", hide, trailer=len(whole) - len(value))
