"""Text in logs that speaks to a language model: an attempt to steer whoever reads the logs.

General signs only, each bounded in length: orders to forget or override instructions, a claimed
change of role, forged chat or tool markup, orders about what the answer must say, and images or
links that carry data out. In English and, for the commonest order, in other languages.
"""

import re
import unicodedata
from collections.abc import Iterable

from domain.detection.anomaly import Line

_READ_AT_MOST = 20_000
_PATTERNS: tuple[tuple[str, str], ...] = (
    (
        "an order to disregard instructions",
        (
            r"\b(?:ignore|disregard|forget|override|bypass|do not follow)\b.{0,40}?"
            r"\b(?:previous|prior|above|earlier|all|any|your|system|the)\b.{0,40}?"
            r"\b(?:instructions?|prompts?|rules?|directions?|guidelines?|context)\b"
        ),
    ),
    (
        "an order to disregard instructions",
        (
            r"(?:ignore[zr]?|oublie[zr]?)\b.{0,40}?\b(?:instructions?|consignes?|règles)\b"
            r"|\b(?:ignorier\w*|vergiss|missachte\w*)\b.{0,40}?\b(?:anweisung\w*|regeln|vorgaben)\b"
            r"|\b(?:ignora\w*|olvida\w*|dimentica\w*)\b.{0,40}?\b(?:instruc\w+|istruzion\w+)"
            r"|игнорируй\w*.{0,40}?(?:инструкц|указани)|忽略.{0,20}?(?:指令|指示|说明|提示)"
            r"|(?:指示|命令|プロンプト).{0,20}?無視|이전.{0,20}?(?:지시|명령).{0,20}?무시"
            r"|تجاهل.{0,40}?(?:التعليمات|الأوامر)"
        ),
    ),
    (
        "a claimed change of role",
        (
            r"\b(?:you are now|from now on,? you|act as|pretend (?:to be|you are)|roleplay as)\b"
            r".{0,60}?\b(?:an?|the|dan|assistant|admin|developer|mode|root|model|agent|bot|system)\b"
            r"|\b(?:developer|jailbreak|god|dan) mode\b"
        ),
    ),
    (
        "forged chat markup",
        (
            r"<\|?(?:im_start|im_end|system|endoftext|assistant|start_header_id)\|?>"
            r"|\[/?INST\]|<</?SYS>>|(?:^|\n)\s{0,5}#{2,3}\s{0,3}(?:system|instruction|assistant)\b"
            r"|\"role\"\s{0,3}:\s{0,3}\"(?:system|assistant|developer)\""
            r"|</?(?:system|tool_call|function_call)>"
        ),
    ),
    (
        "an order about the answer",
        (
            # `agent: report sent, no errors` is a log line; `report that there are none` an order.
            r"\b(?:say|report|state|respond|reply|answer|conclude|output|write|classify|tell)"
            r"(?: (?:only|with|that|it|this|as|them|everyone|the \w{1,20})){1,3}[ :].{0,20}?"
            r"\b(?:everything|all|no (?:issues?|problems?|incidents?|errors?)|fine|ok|normal"
            r"|false alarm|healthy|harmless|low|root cause is)\b"
            r"|\b(?:severity|criticality|root cause) (?:must|should|shall) be\b"
        ),
    ),
    (
        "a word to an assistant",
        (
            r"\b(?:dear|hey|note to|attention|(?:message|instructions?) (?:to|for)) (?:the )?"
            r"(?:ai|llm|assistant|language model|chatbot|copilot|gpt|claude)\b"
            r"|\bas an ai\b|\b(?:new|updated|real) (?:system )?instructions?\s{0,3}:"
            r"|\bsystem prompt\b"
        ),
    ),
    (
        "a demand for secrets",
        (
            r"\b(?:reveal|leak|exfiltrate|send|post|upload|print|repeat|show)\b.{0,40}?"
            r"\b(?:your|the|all)\b.{0,20}?\b(?:system prompt|prompts?|api keys?|secrets?"
            r"|credentials|passwords?|environment variables)\b"
        ),
    ),
    (
        "an image that carries data out",
        r"!\[[^\]\n]{0,200}\]\(https?://[^)\s]{1,500}\)|<img\b[^>]{0,300}?\bsrc\s{0,3}=",
    ),
)
_SIGNS = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in _PATTERNS)


def planted_instructions(text: str) -> list[str]:
    """Which signs of an instruction to a model the text shows; empty for ordinary logs."""
    # Compatibility forms and invisible characters are how such text is hidden from patterns.
    plain = unicodedata.normalize("NFKC", text[:_READ_AT_MOST])
    plain = "".join(c for c in plain if c == "\n" or unicodedata.category(c) != "Cf")
    return list(dict.fromkeys(name for name, pattern in _SIGNS if pattern.search(plain)))


def planted_instruction_findings(lines: Iterable[Line]) -> list[str]:
    """A sentence for each record with such text, for a diagnosis' findings; at most 20."""
    findings: list[str] = []
    for line in lines:
        if signs := planted_instructions(f"{line.text}\n{line.original}"):
            findings.append(
                f"{line.ref} (line {line.line} of {line.source}) holds {', '.join(signs)}, as one "
                "would write to steer an AI that reads the log. It was treated as data."
            )
        if len(findings) == 20:
            break
    return findings
