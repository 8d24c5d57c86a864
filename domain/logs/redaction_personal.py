"""Numbers and addresses of people: cards always, the rest by option."""

import re
from ipaddress import ip_address

from domain.logs.redaction_rule import Hide, Rule, View, rule, substituting

# Issuers' ranges and lengths: Visa, Mastercard, Discover, JCB, UnionPay, American Express, Diners.
_CARD = (
    r"(?<![\w.:/-])(?:(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|6011|64[4-9]\d|65\d\d|35[2-8]\d|62\d\d)"
    r"(?P<gap>[ -]?)\d{4}(?P=gap)\d{4}(?P=gap)\d{4}"
    r"|3[47]\d\d(?P<gap2>[ -]?)\d{6}(?P=gap2)\d{5}"
    r"|3(?:0[0-5]|[68]\d)\d(?P<gap3>[ -]?)\d{6}(?P=gap3)\d{4})(?![\w-]|\.\d)"
)
_CARD_GATE = "0000(?:0{10}|[ -]0000[ -]0000|[ -]000000[ -]0)"
_IBAN = r"\b[A-Z]{2}\d{2}(?:[A-Z0-9]{11,30}|(?: [A-Z0-9]{4}){3,7}(?: [A-Z0-9]{1,3})?)\b"
_EMAIL = r"[\w.+%-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])"
_IPV4 = r"(?<![\w.-])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\w-]|\.\d)"
_IPV6 = r"(?<![\w.:-])[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{1,42}(?![\w:])"


def card_rule() -> Rule:
    """Card numbers that pass Luhn's check (ISO/IEC 7812-1, annex B)."""
    return Rule((_CARD_GATE,), View.DIGITS, substituting(_CARD, _card))


def iban_rule() -> Rule:
    """Account numbers that pass the check of ISO 13616."""
    return rule((r"[A-Z]{2}\d{2}[ A-Z0-9]",), substituting(_IBAN, _iban))


def email_rule() -> Rule:
    """Mail addresses."""
    return rule(("@",), substituting(_EMAIL, lambda match, hide: hide("email", match[0])))


def address_rules() -> tuple[Rule, ...]:
    """IP addresses, except the machine's own and the unspecified one: they name nobody."""
    return (
        rule((_IPV4,), substituting(_IPV4, _address)),
        rule((":[0-9A-Fa-f.]{0,4}:",), substituting(_IPV6, _address)),
    )


def _card(match: re.Match[str], hide: Hide) -> str:
    digits = [int(c) for c in match[0] if c.isdigit()]
    doubled = [d * 2 - 9 if d > 4 else d * 2 for d in digits[-2::-2]]
    if (sum(digits[-1::-2]) + sum(doubled)) % 10 != 0:
        return match[0]
    return hide("card", "".join(str(d) for d in digits))


def _iban(match: re.Match[str], hide: Hide) -> str:
    account = match[0].replace(" ", "")
    number = "".join(str(int(c, 36)) for c in account[4:] + account[:4])
    valid = 15 <= len(account) <= 34 and int(number) % 97 == 1
    return hide("iban", account) if valid else match[0]


def _address(match: re.Match[str], hide: Hide) -> str:
    bare = (
        match[0].rstrip(".:")
        if match[0].count(":") != 0 and "::" not in match[0][-2:]
        else (match[0])
    )
    try:
        address = ip_address(bare)
    except ValueError:
        return match[0]
    if address.is_loopback or address.is_unspecified:
        return match[0]
    return hide("ip", str(address)) + match[0][len(bare) :]
