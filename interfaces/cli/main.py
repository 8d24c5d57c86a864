"""The `aiops` command. Each command loads what it needs only when it runs."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="aiops",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Reads your logs, opens the incident, finds the root cause, proves it with lines.",
)

Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Where the store lives (AIOPS_DATA)."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Paths = Annotated[
    list[str], typer.Argument(metavar="PATH...", help="Files, directories, globs, or - for stdin.")
]


@app.command(epilog="Example: aiops diagnose /var/log/nginx/error.log app.log")
def diagnose(paths: Paths, as_json: Json = False) -> None:
    """Diagnose logs now: no server, no network, nothing kept."""
    from interfaces.cli.diagnose import run

    run(paths, as_json=as_json)


@app.command(epilog="Example: aiops ingest '/var/log/nginx/*.log' --follow")
def ingest(
    paths: Paths,
    data: Data = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on as the files grow.")] = False,
    source: Annotated[
        str, typer.Option("--source", metavar="NAME", help="Name of the source for stdin.")
    ] = "stdin",
    as_json: Json = False,
) -> None:
    """Read logs into the store, from where the last run stopped, and look into what is wrong."""
    from interfaces.cli.ingest import run

    run(paths, data=data, follow=follow, source=source, as_json=as_json)


@app.command(epilog="Example: aiops up --watch '/var/log/nginx/*.log' --watch app.log")
def up(
    data: Data = None,
    watch: Annotated[
        list[str] | None,
        typer.Option("--watch", metavar="PATH", help="File, directory or glob to follow."),
    ] = None,
    syslog: Annotated[
        list[str] | None,
        typer.Option(
            "--syslog",
            metavar="ADDRESS",
            help="Take syslog on udp://, tcp:// or tls://HOST:PORT (AIOPS_SYSLOG).",
        ),
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Port of the API (AIOPS_PORT, 8600).")
    ] = None,
    dashboard_port: Annotated[
        int | None,
        typer.Option("--dashboard-port", help="Port of the dashboard (AIOPS_DASHBOARD_PORT)."),
    ] = None,
    dashboard: Annotated[
        bool, typer.Option("--dashboard/--no-dashboard", help="Start the dashboard too.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Run everything: collect, detect, investigate, notify, API, dashboard. Ctrl-C stops it."""
    from interfaces.cli.up import run

    run(
        data=data,
        watch=watch or [],
        syslog=syslog or [],
        port=port,
        dashboard_port=dashboard_port,
        dashboard=dashboard,
        as_json=as_json,
    )


@app.command(epilog="Example: aiops demo --fault store-killed")
def demo(
    data: Data = None,
    fault: Annotated[
        str, typer.Option("--fault", help="Which real fault to cause, or 'random'.")
    ] = "store-full",
    once: Annotated[
        bool, typer.Option("--once", help="Stop after the diagnosis instead of staying up.")
    ] = False,
) -> None:
    """Start a few small real services, break one, and watch the copilot find it."""
    from interfaces.cli.demo import run

    run(data=data, fault=fault, once=once)


@app.command(epilog="Example: aiops incidents --state open")
def incidents(
    data: Data = None,
    state: Annotated[
        str | None, typer.Option("--state", help="open, acknowledged or resolved.")
    ] = None,
    service: Annotated[str | None, typer.Option("--service", help="Only of this service.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many.")] = 50,
    as_json: Json = False,
) -> None:
    """List incidents, most recent first."""
    from interfaces.cli.incidents import list_incidents

    list_incidents(data, state=state, service=service, limit=limit, as_json=as_json)


Id = Annotated[str, typer.Argument(metavar="ID", help="The id or its beginning.")]


@app.command(epilog="Example: aiops incident 3f2a91c0")
def incident(identity: Id, data: Data = None, as_json: Json = False) -> None:
    """Show one incident: cause, proof, what to do."""
    from interfaces.cli.incidents import show_incident

    show_incident(data, identity, as_json=as_json)


@app.command(epilog="Example: aiops audit 3f2a91c0")
def audit(identity: Id, data: Data = None, as_json: Json = False) -> None:
    """Show how a diagnosis was reached: every event from the bytes of the log to the mail."""
    from interfaces.cli.incidents import show_audit

    show_audit(data, identity, as_json=as_json)


@app.command(epilog="Example: aiops search 'connection refused'")
def search(
    text: Annotated[str, typer.Argument(help="Words, an error code, a question.")],
    data: Data = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="How many.")] = 10,
    as_json: Json = False,
) -> None:
    """Search incidents, patterns and records."""
    from interfaces.cli.search import run

    run(data, text, limit=limit, as_json=as_json)


@app.command(epilog="Example: aiops rebuild all --verify")
def rebuild(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="vectors, history, dashboard or all.")
    ] = "all",
    data: Data = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare with the old one and name every difference.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make read models anew from the events."""
    from interfaces.cli.maintenance import rebuild as run

    run(data, name, verify=verify, as_json=as_json)


@app.command(epilog="Example: aiops verify")
def verify(data: Data = None, as_json: Json = False) -> None:
    """Check hash chains, sequences, causes and citations of the whole store."""
    from interfaces.cli.maintenance import verify as run

    run(data, as_json=as_json)


@app.command(epilog="Example: aiops doctor")
def doctor(data: Data = None, as_json: Json = False) -> None:
    """Look at this installation: store, disk, model, mail, versions; each finding with a remedy."""
    from interfaces.cli.maintenance import doctor as run

    run(data, as_json=as_json)


@app.command("eval", epilog="Example: aiops eval my-cases --verbose")
def evaluate(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder with <case>/label.json and log*.txt.")
    ],
    verbose: Annotated[bool, typer.Option("--verbose", help="Also by class and by case.")] = False,
    as_json: Json = False,
) -> None:
    """Measure the diagnoses on labelled cases: accuracy with 95 % intervals."""
    from interfaces.cli.evaluate import run

    run(directory, verbose=verbose, as_json=as_json)


@app.command(epilog="Example: aiops bench ingest --lines 200000")
def bench(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="What to measure: ingest.")],
    lines: Annotated[int, typer.Option("--lines", min=1_000, help="How many lines.")] = 100_000,
    as_json: Json = False,
) -> None:
    """Measure this machine: lines per second through the whole path, time to durable."""
    from interfaces.cli.failures import WrongUsage

    if what != "ingest":
        raise WrongUsage(f"{what!r} cannot be measured: give ingest")
    from interfaces.cli.bench import ingest as measure

    measure(lines, as_json=as_json)


@app.command(epilog="Example: aiops patterns /var/log/syslog")
def patterns(paths: Paths, as_json: Json = False) -> None:
    """Show the message templates of some logs, most frequent first. Nothing is kept."""
    from interfaces.cli.patterns import run

    run(paths, as_json=as_json)


@app.command(epilog="Example: aiops formats --json")
def formats(as_json: Json = False) -> None:
    """List the log formats that are recognised, each with an example."""
    from interfaces.cli.formats import list_formats

    list_formats(as_json=as_json)


@app.command(epilog="Example: aiops parse --explain app.log --format spring-boot")
def parse(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A log file, or - for stdin.")],
    explain: Annotated[
        bool,
        typer.Option("--explain", help="How each line was understood, not only the records."),
    ] = False,
    name: Annotated[
        str,
        typer.Option("--format", metavar="NAME", help="Read with this format only; see formats."),
    ] = "",
    as_json: Json = False,
) -> None:
    """Show the records a log is made of, and how they were understood. Nothing is kept."""
    from interfaces.cli.formats import parse as run

    run(file, name=name, explain=explain, as_json=as_json)


def main(arguments: list[str] | None = None) -> None:
    """The console script: runs a command, turns errors into one message and an exit code.

    Exit code 0 ok, 1 failed, 2 wrong usage, 130 stopped with Ctrl-C, 143 with SIGTERM.
    """
    from interfaces.cli.failures import FAILED, STOPPED, message_of
    from interfaces.cli.terminal import safe

    signal.signal(signal.SIGTERM, _terminate)
    os.umask(0o077)  # all we write comes from logs, which are nobody else's business
    # onnxruntime, which embeds texts, would otherwise write a device id below ~/.cache
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    run: Callable[..., Any] = typer.main.get_command(app)
    try:
        code = run(arguments, prog_name="aiops", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:  # who reads our output has seen enough, as in `aiops patterns | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FAILED
    except Exception as error:  # noqa: BLE001 - the edge: every error becomes words once
        code, text = message_of(error)
        if text:
            print(safe(text), file=sys.stderr)  # noqa: T201 - the command line's own output
    except KeyboardInterrupt:
        code = STOPPED
    sys.exit(code if isinstance(code, int) else 0)


def _terminate(number: int, _: FrameType | None) -> None:
    """Leave in order: what is open is closed and nothing temporary stays."""
    sys.exit(128 + number)
