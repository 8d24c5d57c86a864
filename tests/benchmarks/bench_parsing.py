"""How much slower is parsing than merely reading the lines of a file? Run it as a module.

Prints lines per second and the ratio to plain reading, for a few formats, in one process.
"""

import sys
from tempfile import TemporaryFile
from time import perf_counter

from domain.logs.framing import PhysicalLine
from domain.logs.parser import SourceParser
from infrastructure.collectors.stdin import lines_from
from infrastructure.format_files import load_formats

FORMATS = ("python-bracketed", "access", "postgresql", "nginx-error", "json", "syslog-3164")
LINES = 40_000
OBSERVED = 1_795_476_600_000_000_000


def main() -> None:
    """Measure each format on its own sample, repeated."""
    samples = {item.name: item.samples[0].line.split("\n")[0] for item in load_formats().formats}
    for name in FORMATS:
        with TemporaryFile() as file:
            file.write("".join(f"{samples[name]} {n}\n" for n in range(LINES)).encode())
            file.seek(0)
            started = perf_counter()
            lines: list[PhysicalLine] = list(lines_from(file))
            reading = perf_counter() - started
        parser = SourceParser("bench", load_formats(), service="bench")
        started = perf_counter()
        count = len(parser.feed(lines, OBSERVED) + parser.flush(OBSERVED))
        parsing = perf_counter() - started
        sys.stdout.write(
            f"{name:18} {count / parsing:9,.0f} records/s, "
            f"{parsing / reading:5.1f} times the time of plain reading\n"
        )


if __name__ == "__main__":
    main()
