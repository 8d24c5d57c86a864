"""The command line's contracts (DESIGN section 7), from outside."""

import json
from pathlib import Path

import pytest

from tests.e2e.command_line import CommandLine
from tests.e2e.shop_logs import REFUSED, broken, healthy

COMMANDS = (
    "diagnose", "ingest", "up", "demo", "incidents", "incident", "audit", "search", "rebuild",
    "verify", "doctor", "patterns",
)  # fmt: skip
HEAVY = ("crewai", "streamlit", "qdrant_client", "fastapi", "sqlalchemy", "eventsourcing", "httpx")
ESCAPE = "\x1b"


@pytest.fixture
def aiops(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """A store that has taken in the broken shop's logs."""
    aiops = CommandLine(tmp_path_factory.mktemp("stored"))
    ran = aiops("ingest", *broken(aiops.folder / "logs"), "--data", aiops.data, "--json")
    assert ran.code == 0, ran.err
    return aiops


def test_a_diagnosis_is_one_json_object_with_the_promised_fields(aiops: CommandLine) -> None:
    """Other programs read these fields."""
    ran = aiops("diagnose", *broken(aiops.folder / "logs"), "--json")
    answer = ran.json
    assert (ran.code, ran.err) == (0, "")
    assert answer["records"] == 160 + 40 + 160 + 52
    assert answer["seconds"] > 0
    first = answer["incidents"][0]
    assert first["error_class"] == "connections_exhausted"
    assert (first["service"], first["criticality"]) == ("postgres", "critical")
    assert 0 < first["confidence"] <= 1
    assert first["id"]
    assert first["title"]
    assert first["root_cause"]
    for hypothesis in first["hypotheses"]:
        assert {"root_cause", "error_class", "service", "confidence"} <= hypothesis.keys()
    for name in ("mitigation", "steps", "verify"):
        assert first["remediation"][name]
    assert first["remediation"]["summary"]
    for patch in first["remediation"]["patches"]:
        assert patch["path"]
        assert patch["diff"]


def test_every_quote_stands_in_the_line_of_the_file_it_names(aiops: CommandLine) -> None:
    """Lines of multi-line records are counted as the file has them."""
    files = {path.name: path.read_text().split("\n") for path in broken(aiops.folder / "logs")}
    answer = aiops("diagnose", "logs", "--json").json
    cited = [evidence for incident in answer["incidents"] for evidence in incident["evidence"]]
    assert len(cited) > 2
    assert any(evidence["line"] != evidence["sequence"] for evidence in cited)
    for evidence in cited:
        assert evidence["quote"]
        assert evidence["quote"] in files[evidence["source"]][evidence["line"] - 1]


def test_healthy_logs_have_no_incident(aiops: CommandLine) -> None:
    """No false alarm, in words and in JSON."""
    files = healthy(aiops.folder / "logs")
    assert aiops("diagnose", *files, "--json").json["incidents"] == []
    told = aiops("diagnose", *files)
    assert told.code == 0
    assert "Nothing is wrong" in told.out


def test_a_pipe_is_diagnosed_like_a_file(aiops: CommandLine) -> None:
    """`-` is standard input."""
    database = broken(aiops.folder / "logs")[3]
    answer = aiops("diagnose", "-", "--json", stdin=database.read_bytes()).json
    assert answer["records"] == 52
    assert answer["incidents"][0]["error_class"] == "connections_exhausted"
    assert answer["incidents"][0]["evidence"][0]["source"] == "stdin"


def test_a_diagnosis_needs_no_network_and_leaves_nothing_behind(aiops: CommandLine) -> None:
    """Not even a connection to this machine is tried."""
    broken(aiops.folder / "logs")
    before = sorted(aiops.folder.glob("*"))
    offline = (
        "import socket\n"
        "def refuse(*_): raise AssertionError('the network was used')\n"
        "socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse\n"
        "from interfaces.cli.main import main\nmain()\n"
    )
    ran = aiops.python(offline, "diagnose", "logs", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["incidents"]
    assert sorted(aiops.folder.glob("*")) == before
    assert list(Path(aiops.environment["TMPDIR"]).iterdir()) == []


def test_every_physical_line_has_an_assignment(aiops: CommandLine) -> None:
    """Also blank lines, stack traces, a last line without an end, and over several files."""
    first, second = aiops.folder / "one.log", aiops.folder / "two.log"
    first.write_text(
        "\n2026-03-04 10:00:00 INFO store opened\n\n2026-03-04 10:00:01 ERROR store lost\n"
        "Traceback (most recent call last):\n  File 'a.py', line 3, in b\nKeyError: 'x'\n\n"
        "2026-03-04 10:00:02 INFO store opened\n"
    )
    second.write_text("2026-03-04 10:00:03 INFO store opened")
    answer = aiops("patterns", first, second, "--json").json
    assigned = answer["assignments"]
    assert len(assigned) == 9 + 1
    assert len([index for index in assigned if index >= 0]) == answer["records"]
    assert assigned[1] == assigned[8] == assigned[9] >= 0
    assert assigned[4:8] == [-1] * 4
    pattern = answer["patterns"][assigned[1]]
    assert (pattern["count"], pattern["template"], pattern["severity"]) == (
        3,
        "store opened",
        "info",
    )
    assert {"id", "template", "count", "severity", "example"} <= pattern.keys()


def test_incidents_can_be_listed_shown_audited_and_searched(stored: CommandLine) -> None:
    """Each answers in JSON and in words, from the store itself when nothing runs."""
    listed = stored("incidents", "--data", stored.data, "--json").json
    found = next(i for i in listed["items"] if i["error_class"] == "connections_exhausted")
    identity = found["id"]
    shown = stored("incident", identity[:8], "--data", stored.data, "--json").json
    assert shown["id"] == identity
    assert shown["diagnosis"]["error_class"] == "connections_exhausted"
    trail = stored("audit", identity[:8], "--data", stored.data, "--json").json["events"]
    assert {
        "position", "event", "at", "actor", "id", "correlation_id", "causation_id", "summary"
    } <= trail[0].keys()  # fmt: skip
    assert [event["position"] for event in trail] == sorted(event["position"] for event in trail)
    answer = stored("search", REFUSED, "--data", stored.data, "--json").json
    assert identity in [hit["id"] for hit in answer["hits"]]
    assert any(REFUSED in record["text"] for record in answer["records"])
    rows = stored("incidents", "--data", stored.data).out.splitlines()
    assert any(row.split("\t")[0] == identity[:8] for row in rows)
    assert "Proof" in stored("incident", identity, "--data", stored.data).out
    assert "DiagnosisReached" in stored("audit", identity, "--data", stored.data).out


def test_the_store_can_be_verified_rebuilt_and_examined(stored: CommandLine) -> None:
    """The maintenance commands answer in the promised shapes."""
    verified = stored("verify", "--data", stored.data, "--json").json
    assert verified["ok"] is True
    assert verified["problems"] == []
    assert verified["records"] == sum(verified["sources"].values()) == 412
    assert verified["sources"]["basket.log"] == 160
    rebuilt = stored("rebuild", "all", "--verify", "--data", stored.data, "--json").json
    assert rebuilt["ok"] is True
    assert rebuilt["projections"].keys() == {"vectors", "history", "dashboard"}
    for projection in rebuilt["projections"].values():
        assert projection["differences"] == []
        assert projection["position"] > 0
        assert projection["digest"]
        assert projection["seconds"] >= 0
    examined = stored("doctor", "--data", stored.data, "--json").json
    assert {"subject", "ok", "detail", "remedy"} <= examined["findings"][0].keys()


def test_the_same_file_is_ingested_once_however_it_is_named(stored: CommandLine) -> None:
    """By relative path, absolute path or glob: nothing is added."""
    for path in (
        "logs/basket.log",
        stored.folder / "logs" / "basket.log",
        "logs/../logs/bask*.log",
    ):
        again = stored("ingest", path, "--data", stored.data, "--json").json
        assert again["records"] == again["lines"] == 0, path
        assert again["sources"]["basket.log"] == 160
        assert len(again["sources"]) == 4


def test_every_command_explains_itself_with_an_example(aiops: CommandLine) -> None:
    """Help never needs a store."""
    ask = (
        "import sys\nfrom interfaces.cli.main import main\n"
        "try: main([sys.argv[1], '--help'])\n"
        "except SystemExit as ended: assert ended.code == 0\n"
    )
    every = "import runpy, sys\nfor name in sys.argv[2:]:\n    sys.argv[1] = name\n"
    every += f"    exec({ask!r})\n"
    ran = aiops.python(every, "", *COMMANDS)
    assert ran.code == 0, ran.err
    for command in COMMANDS:
        assert f"Example: aiops {command}" in ran.out
    assert not aiops.data.exists()


def test_help_loads_nothing_heavy(aiops: CommandLine) -> None:
    """It is what people type first; it must come at once."""
    loaded = (
        "import sys\nfrom interfaces.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print(sorted(sys.modules), file=sys.stderr)\n"
    )
    ran = aiops.python(loaded)
    assert [name for name in HEAVY if f"'{name}'" in ran.err] == []


def test_what_is_piped_on_is_plain_text(stored: CommandLine) -> None:
    """No colour codes, whatever the terminal would have got."""
    for command in (("incidents",), ("doctor",)):
        ran = stored(*command, "--data", stored.data, settings={"TERM": "xterm-256color"})
        assert ESCAPE not in ran.out + ran.err
        assert ran.out


def test_hostile_lines_never_reach_the_terminal_raw(aiops: CommandLine) -> None:
    """Escapes, bells and direction marks in lines, file names and ids are shown, not obeyed."""
    evil = f"{ESCAPE}]0;owned\x07{ESCAPE}[2J\u202e\x9b31m"
    log = aiops.folder / "app.log"
    log.write_text(
        "".join(
            f"2026-03-04 10:00:{s:02d} ERROR {evil}connect to 10.0.0.4:5432 failed: "
            f"connection refused{evil}\n"
            for s in range(20)
        )
    )
    ran = aiops("ingest", log, "--data", aiops.data)
    assert ran.code == 0
    told = [ran, aiops("diagnose", log, f"{evil}.log"), aiops("incidents", "--data", aiops.data)]
    identity = aiops("incidents", "--data", aiops.data, "--json").json["items"][0]["id"]
    told += [aiops(c, identity, "--data", aiops.data) for c in ("incident", "audit")]
    for ran in told:
        assert not set(ran.out + ran.err) & set(f"{ESCAPE}\x07\u202e\x9b"), ran
    assert "refused" in told[1].out


def test_a_reader_that_leaves_early_is_no_error_to_report(aiops: CommandLine) -> None:
    """As in `aiops patterns FILE | head -1`."""
    log = aiops.folder / "app.log"
    log.write_text("".join(f"2026-03-04 10:00:00 INFO {'ab ' * n}end\n" for n in range(1, 400)))
    process = aiops.start("patterns", log, "--json")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(1)
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    process.wait(60)
    assert said == b""


def test_what_is_printed_is_json_even_beside_a_problem(aiops: CommandLine) -> None:
    """The good input is still answered for, and the problem is told on stderr and in the answer."""
    database = broken(aiops.folder / "logs")[3]
    ran = aiops("diagnose", "gone.log", database, "--json")
    assert ran.code == 1
    assert json.loads(ran.out)["incidents"][0]["error_class"] == "connections_exhausted"
    assert "gone.log" in ran.complaint
    assert ran.json["problems"] == ["gone.log: there is no such file; check the path"]
