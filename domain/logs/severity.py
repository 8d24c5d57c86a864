"""Severity words of all customary systems, as OpenTelemetry severity numbers.

Source: https://opentelemetry.io/docs/specs/otel/logs/data-model-appendix/
"""

from domain.logs.record import DEBUG, ERROR, FATAL, INFO, TRACE, WARN

NUMBERS: dict[str, int] = {
    word: number
    for number, words in {
        TRACE: "trace trc finest verbose verb v all silly debug5 debug4",
        TRACE + 1: "finer debug3 spam",
        DEBUG: "debug dbg dbug fine d debug2 debug1",
        DEBUG + 3: "config",
        INFO: "info inf information informational i log app user display ok pass",
        INFO + 1: "notice note success n audit",
        WARN: "warn warning wrn w warnings",
        ERROR: "error err e eror errors severe failure failed fail",
        ERROR + 1: "crit critical c crt dpanic",
        ERROR + 2: "alert a",
        FATAL: "fatal f ftl emerg emergency panic p assert abort",
    }.items()
    for word in words.split()
}
"""Severity words in lower case with their numbers (1 to 24)."""

PINO = {10: TRACE, 20: DEBUG, 30: INFO, 40: WARN, 50: ERROR, 60: FATAL}
"""Numeric levels of pino and bunyan; python-json-logger's 10 to 50 agree except for DEBUG."""

SYSLOG = (FATAL, ERROR + 2, ERROR + 1, ERROR, WARN, INFO + 1, INFO, DEBUG)
"""Severity number by syslog severity (RFC 5424 section 6.2.1)."""

SYSLOG_WORDS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
"""Name of each syslog severity."""


def severity_of(word: str) -> int:
    """The number of a severity word in any case; 0 where it is none."""
    return NUMBERS.get(word.lower(), 0)


def severity_of_level(level: int) -> int:
    """The number of a numeric level: pino and bunyan (10 to 60) or syslog (0 to 7); else 0."""
    if 0 <= level <= 7:
        return SYSLOG[level]
    return PINO.get(level // 10 * 10, 0) if 10 <= level < 70 else 0
