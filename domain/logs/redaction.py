"""Taking secrets out of log text before it becomes immutable.

Shapes follow what the providers publish and the rules of secret scanners. Redacting twice gives
what redacting once gave, and the number of lines never changes. Rules look only at texts in which
one of their gates matched: a line without a trace of a secret costs a share of one search through
some hundreds of lines.
"""

import hashlib
import re
from bisect import bisect_right
from itertools import accumulate

from domain.logs.redaction_headers import (
    closes_private_key,
    command_rules,
    opens_private_key,
    placed_rules,
)
from domain.logs.redaction_keyed import keyed_rules
from domain.logs.redaction_personal import address_rules, card_rule, email_rule, iban_rule
from domain.logs.redaction_providers import provider_rules
from domain.logs.redaction_rule import PLACEHOLDER, Hide, Rule, View, Views

__all__ = ["Redactor", "closes_private_key", "opens_private_key"]

_SECRETS: tuple[Rule, ...] = (
    *placed_rules(),
    *provider_rules(),
    *keyed_rules(),
    *command_rules(),
    card_rule(),
)

SHORTEST = 6
"""Characters of the shortest text that can hold a secret with its name."""


class Redactor:
    """Replaces secrets by typed placeholders such as `[REDACTED:password]`.

    key: with a key, equal secrets get equal placeholders, `[REDACTED:password:3fa1c2]`, which
    nobody without the key can compute from a guessed secret. 24 bits of the hash are shown: enough
    to correlate, too little to confirm a guess. emails, addresses, ibans: also mail addresses, IP
    addresses and bank accounts.
    """

    __slots__ = ("_gates", "_hide", "_rules")

    def __init__(
        self,
        key: bytes | None = None,
        *,
        emails: bool = False,
        addresses: bool = False,
        ibans: bool = False,
    ) -> None:
        self._hide = _plain if key is None else _keyed_with(key)
        self._rules = (
            *_SECRETS,
            *((iban_rule(),) if ibans else ()),
            *((email_rule(),) if emails else ()),
            *(address_rules() if addresses else ()),
        )
        by_gate: dict[tuple[View, str], list[int]] = {}
        for number, rule in enumerate(self._rules):
            for gate in rule.gates:
                by_gate.setdefault((rule.view, gate), []).append(number)
        self._gates = tuple(
            (view, re.compile(gate), tuple(numbers)) for (view, gate), numbers in by_gate.items()
        )

    @property
    def gates(self) -> tuple[str, ...]:
        """What lines are searched for before any rule looks at them."""
        return tuple(gate.pattern for _, gate, _ in self._gates)

    def redact(self, text: str) -> str:
        """The text without secrets; the very same object where there were none."""
        if len(text) < SHORTEST:
            return text
        views = Views(text)
        concerned: set[int] = set()
        for view, gate, numbers in self._gates:
            if gate.search(views[view]) is not None:
                concerned.update(numbers)
        return self._apply(concerned, text) if concerned else text

    def redact_all(self, texts: list[str]) -> list[str]:
        """`redact` of each text. Looking for traces of secrets in all at once is far cheaper."""
        views = Views("\n".join(texts))
        if len(texts) == 1 or not views.aligned:
            return [self.redact(text) for text in texts]
        concerned: dict[int, set[int]] = {}
        starts: list[int] | None = None
        for view, gate, numbers in self._gates:
            for found in gate.finditer(views[view]):
                if starts is None:
                    starts = list(accumulate((len(text) + 1 for text in texts), initial=0))
                index = bisect_right(starts, found.start()) - 1
                concerned.setdefault(index, set()).update(numbers)
        if not concerned:
            return texts
        redacted = list(texts)
        for index, found_in_it in concerned.items():
            redacted[index] = self._apply(found_in_it, texts[index])
        return redacted

    def _apply(self, concerned: set[int], text: str) -> str:
        result = text
        for number in sorted(concerned):
            result = self._rules[number].apply(result, self._hide)
        return text if result == text else result


def _plain(kind: str, _secret: str) -> str:
    return f"{PLACEHOLDER}{kind}]"


def _keyed_with(key: bytes) -> Hide:
    key = hashlib.blake2b(key).digest()  # any length of key

    def hide(kind: str, secret: str) -> str:
        if not secret:
            return _plain(kind, secret)
        mac = hashlib.blake2b(secret.encode("utf-8", "replace"), key=key, digest_size=3)
        return f"{PLACEHOLDER}{kind}:{mac.hexdigest()}]"

    return hide
