"""What a directory of logs means."""

from pathlib import Path

from infrastructure.collectors.files import expand


def test_settings_and_documents_beside_the_logs_are_left_out(tmp_path: Path) -> None:
    """JSON that spans lines is a document; JSON lines are a log."""
    (tmp_path / "app.log").write_text("x\n")
    (tmp_path / "events.json").write_text('{"level":"info","msg":"a"}\n')
    (tmp_path / "settings.json").write_text('{\n "a": 1\n}\n')
    (tmp_path / "nginx.conf").write_text("worker_processes 1;\n")
    paths, problems = expand([str(tmp_path)])
    assert [path.name for path in paths] == ["app.log", "events.json"]
    assert problems == []


def test_a_document_named_itself_is_read(tmp_path: Path) -> None:
    """Who names a file means it."""
    named = tmp_path / "notes.md"
    named.write_text("ERROR disk full\n")
    assert expand([str(named)])[0] == [named]
