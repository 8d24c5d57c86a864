"""The shape of a message: its words as they are, everything that counts or names masked.

Done token by token with a memory of the tokens met before, because almost all tokens of a log
come again: digits are collapsed first, so that the memory holds `0.0.0.0:0` once and not every
address. Only tokens never met before meet a regular expression, and those are linear (bounded
or possessive, and anchored at a boundary).
"""

import re

WIDEST_BODY = 2048
"""Characters of a message that may define its pattern."""

_REMEMBERED_TOKENS = 1 << 16
_LONGEST_REMEMBERED = 128
_WORDS_OF_A_CUT_BODY = 32

# One or two digits between letters are part of a word (`flush2DB`, `A2dp`).
_DIGITS = re.compile(r"\d++(?:(?![A-Za-z])|(?<![A-Za-z]\d)(?<![A-Za-z]\d\d))")
_QUOTED = re.compile(r"""([{,]\s*)?"([^"]{0,1024})"(\s*:)?|(?<![\w'])'([^']{0,1024})'(?![\w'])""")
_REQUEST = re.compile(r"[A-Z]{3,10} \S+ HTTP/\d")
_SENTENCE = re.compile(r"(?=\S+\s+\S+\s+\S)[A-Za-z][\w\s.,:/'!-]*\Z")
_EXCEPTION = re.compile(r"(?:[A-Za-z_$][\w$]*+(?:\.|::|\\))*+[A-Z]\w*+(?=:|\s*$)")

_UNIT_OF_TIME = r"(?:ns|nsecs?|us|µs|usecs?|ms|msecs?|s|secs?|m|mins?|h|hrs?|d)"
_HEX = r"[0-9A-Fa-f]"
_CLASSES = (
    ("url", r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{1,15}://[^\s\"'<>,;)\]}|]++"),
    ("email", r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]++)++"),
    ("uuid", rf"(?<![\w-]){_HEX}++(?:-{_HEX}++){{4}}(?![\w-])"),
    (
        "time",
        (
            r"(?<![\w.:/-])(?:\d++[-/.]\d++[-/.]\d++[T_:-]\d++[:.]\d++(?:[:.]\d++)?"
            r"|\d++(?P<dash>[-/])\d++(?P=dash)\d++|\d++:\d++(?::\d++)?)(?:[.,]\d++)?(?:Z|[+-]\d++(?::?\d++)?)?(?![\w:/-]|\.\w)"
        ),
    ),
    (
        "octets",  # six as in a MAC address; eight groups are an IP address, more an identity
        rf"(?<![\w:]){_HEX}{{1,2}}+(?:(?::{_HEX}{{1,2}}+){{5}}|(?::{_HEX}{{1,2}}+){{8,}}+)(?![\w:])",
    ),
    (
        "ip6",
        (
            rf"(?<![\w:])(?=[A-Fa-f:]*+\d)(?=[\d:]*+[A-Fa-f]|[\d:]*?::)"
            rf"(?:{_HEX}{{0,4}}+:){{2,8}}{_HEX}{{0,4}}(?![\w:])"
        ),
    ),
    ("ip", r"(?<![\w.])\d++(?:\.\d++){3}+(?![\w.]*\w)"),
    (
        "path",
        (
            r"(?<![\w.)\]>~-])(?:[A-Za-z]:\\|~?/(?!/)|\.{1,2}/|\\\\)"
            r"(?!\d++\.\d++\.\d++\.\d)[^\s\"'<>,;:|(){}\[\]=?]*+(?:\?[^\s\"'<>|]*+)?"
            r"|(?<![\w./-])[\w.-]++(?:/[\w.-]++){2,}+/?"
        ),
    ),
    (
        "host",
        (
            r"(?<![\w.-])(?:[a-z0-9-]++\.)++"
            r"(?!(?:py|go|js|mjs|ts|rb|rs|c|cc|cpp|cs|h|java|kt|php|sql|lua|pl|sh|ex):)"
            r"[a-z]{2,12}+(?=:\d)"
        ),
    ),
    (
        "hex",
        (
            rf"(?<!\w)0x{_HEX}++"
            rf"|(?<![\w-])(?=[A-Fa-f-]*+\d)(?=[\d-]*+[A-Fa-f]){_HEX}++(?:-{_HEX}++){{2,}}+(?!\w)"
            rf"|(?<![A-Za-z0-9])(?=[A-Fa-f]*+\d)(?=\d*+[A-Fa-f]){_HEX}{{4,}}+(?!\w)"
            r"|(?<!\w)(?:[a-f]{8,}+|[A-F]{8,}+)(?!\w)"
        ),
    ),
    ("duration", rf"(?<![\w.-])[+-]?(?:\d++(?:\.\d++)?{_UNIT_OF_TIME})++(?!\w)"),
    ("size", r"(?<![\w.])\d++(?:\.\d++)?(?:[KkMGTP]i?)?(?:B|b|bytes)(?!\w)"),
    # Letters and digits in turns are an id: the suffix of a pod, a part of base 36 or 64.
    ("id", r"(?<![A-Za-z0-9])[A-Za-z]*+\d++[A-Za-z]++\d[A-Za-z0-9]*+(?![A-Za-z0-9])"),
    (
        "num",
        (
            r"(?<![A-Za-z0-9.)\]>])[-+]?\d++(?:\.\d++)*+(?:[eE][-+]?\d++)?(?![A-Za-z])"
            r"|\d++(?:\.\d++)*+(?![A-Za-z])|(?<![A-Za-z\d])\d++"
        ),
    ),
)
_NAMED = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _CLASSES))
_SLOTS = {name: f"<{name}>" for name, _ in _CLASSES} | {
    "ip6": "<ip>",
    "octets": "<hex>",
    "id": "<*>",
}
_PORT = re.compile(r"(?<=<ip>:)<num>|(?<=<host>:)<num>")


def _name(match: re.Match[str]) -> str:
    return _SLOTS[match.lastgroup or "num"]


class _Tokens(dict[str, str]):
    """What each token looks like masked; forgets everything when full."""

    def __missing__(self, token: str) -> str:
        masked = _PORT.sub("<port>", _NAMED.sub(_name, token))
        if len(token) <= _LONGEST_REMEMBERED:
            if len(self) >= _REMEMBERED_TOKENS:
                self.clear()
            self[token] = masked
        return masked


def _quotes(match: re.Match[str]) -> str:
    before, double, after, single = match.groups()
    text = single if double is None else double
    if (before and after) or _REQUEST.match(text) or _SENTENCE.match(text):
        return match.group()  # a key of JSON, or words that say what happened
    return "'<str>'" if double is None else f'{before or ""}"<str>"{after or ""}'


class Masking:
    """Turns lines into shapes. Keeps a bounded memory of tokens and nothing else."""

    def __init__(self) -> None:
        self._look = _Tokens().__getitem__

    def shape(self, line: str) -> str:
        """The shape of a line from `counted`: masked tokens, single spaces between."""
        if '"' in line or "'" in line:
            line = _QUOTED.sub(_quotes, line)
        return " ".join(map(self._look, line.split()))


def counted(body: str) -> str:
    """What of a message defines its pattern, with a zero for each number; most come again.

    Its first line; of a message with several lines also the type of the exception it ends with.
    """
    end = body.find("\n", 0, WIDEST_BODY)
    if end >= 0:
        return _DIGITS.sub("0", body[:end] + _raised(body))
    if len(body) <= WIDEST_BODY:
        return _DIGITS.sub("0", body)
    # Where the cut falls depends on how long the values are: only the head counts.
    words = _DIGITS.sub("0", body[:WIDEST_BODY]).split()
    return " ".join([*words[: min(len(words) - 1, _WORDS_OF_A_CUT_BODY)], "<*>"])


def _raised(body: str) -> str:
    """` KeyError` of a trace whose last line is `KeyError: 'id'`, else nothing."""
    last = body[-WIDEST_BODY:].rstrip().rsplit("\n", 1)[-1]
    found = _EXCEPTION.match(last[:256])
    return f" {found.group()}" if found else ""
