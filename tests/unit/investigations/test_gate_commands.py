"""What a fix may propose: commands that destroy, patches, secrets."""

import pytest

from domain.investigations.destructive_commands import destructive_commands
from domain.investigations.gate import objections_to
from domain.investigations.leaked_secrets import leaked_secrets
from domain.investigations.remediation import ProposedPatch
from domain.investigations.unified_diff import diff_problem
from tests.unit.investigations.gate_answers import LINES, a_line, a_remediation, a_report

DESTRUCTIVE = [
    "rm -rf /var/lib/pgsql",
    "sudo rm -fr data",
    "rm --recursive --force x",
    "rm /var/lib/redis/*.rdb",
    "rm -rf /srv/backup",
    "find / -name '*.log' -delete",
    "DROP TABLE orders;",
    "drop database shop",
    "TRUNCATE orders",
    "truncate table orders",
    "DELETE FROM orders;",
    "delete from orders",
    "UPDATE users SET active = 0",
    "mkfs.ext4 /dev/sdb1",
    "dd if=/dev/zero of=/dev/sda bs=1M",
    "redis-cli FLUSHALL",
    "kubectl delete pvc data-0 -n prod",
    "kubectl -n prod delete pod app-1",
    "helm uninstall shop",
    "terraform destroy",
    "git push --force origin main",
    "git push origin main -f",
    "git reset --hard HEAD~1",
    "pg_resetwal -f /data",
    "docker system prune -a",
    "docker volume rm db",
    "docker compose down -v",
    "aws s3 rm s3://x --recursive",
    "aws rds delete-db-instance --id x",
    "rabbitmqctl purge_queue orders",
    "curl -XDELETE localhost:9200/logs",
    "zfs destroy tank/db",
    "echo x > /dev/sda",
    "db.orders.deleteMany({})",
    "Remove-Item C:\\data -Recurse",
]


@pytest.mark.parametrize("command", DESTRUCTIVE)
def test_a_command_that_destroys_data_needs_a_warning(command: str) -> None:
    """In any part of a remediation, in an added line of a patch, in a report."""
    patch = ProposedPatch(path="x", diff=f"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+{command}\n")
    for output in (
        a_remediation(mitigation=[f"Run `{command}`"]),
        a_remediation(rollback=[command]),
        a_remediation(patches=[patch]),
        a_report(what_to_do=f"Now run {command}"),
    ):
        (objection,) = objections_to(output, LINES)
        assert "destroys data" in objection
    warned = a_remediation(steps=[command], warnings=["All rows are lost; back up first."])
    assert objections_to(warned, LINES) == []


@pytest.mark.parametrize(
    "text",
    [
        "systemctl restart nginx",
        "DELETE FROM sessions WHERE expires < now()",
        "UPDATE users SET active = 0 WHERE id = 7",
        "rm /run/app.pid",
        "Never run pg_resetwal on this cluster",
        "Do not use `rm -rf` here",
        "kubectl rollout restart deploy/app",
        "git push origin main",
        "docker restart db",
        "logrotate drops the old table of contents",
        "the update sets a new limit",
        "the form was truncated",
    ],
)
def test_harmless_text_needs_no_warning(text: str) -> None:
    """Ordinary commands, and advice against the dangerous ones."""
    assert destructive_commands(text) == []


def test_a_remediation_proposes_something() -> None:
    """An empty one helps nobody."""
    assert "proposes nothing" in objections_to(a_remediation(steps=[]), LINES)[0]


GOOD_DIFF = "--- a/app.yml\n+++ b/app.yml\n@@ -1,3 +1,4 @@\n a: 1\n-b: 2\n+b: 3\n+c: 4\n d: 5\n"


@pytest.mark.parametrize(
    ("diff", "words"),
    [
        (GOOD_DIFF, None),
        ("diff --git a/x b/x\nindex 1..2 100644\n" + GOOD_DIFF + GOOD_DIFF, None),
        ("--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+new\n\\ No newline at end of file\n", None),
        ("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-a\n+b\n\n", "as many lines"),
        ("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-a\n+b\n \n", None),
        (GOOD_DIFF.replace("+1,4", "+1,9"), "as many lines"),
        (GOOD_DIFF.replace("@@ -1,3 +1,4 @@", "@@"), "not a hunk header"),
        ("--- a/x\n+++ b/x\n@@ -1 +1 @@\n a\n", "changes nothing"),
        ("--- a/x\n+++ b/x\n", "has no hunk"),
        ("set pool to 40", "no '--- old' line"),
        ("", "no '--- old' line"),
    ],
)
def test_a_patch_has_the_form_of_a_unified_diff(diff: str, words: str | None) -> None:
    """Header, hunks, and as many lines as the hunk says."""
    problem = diff_problem(diff)
    assert (problem is None) if words is None else words in (problem or "")
    objections = objections_to(a_remediation(patches=[ProposedPatch(path="x", diff=diff)]), LINES)
    assert bool(objections) == bool(words)


@pytest.mark.parametrize(
    "text",
    [
        "use AKIAIOSFODNN7EXAMPLE",
        "-----BEGIN RSA PRIVATE KEY-----",
        "postgres://app:s3cr3tpw@db/shop",
        "password=Tr0ub4dor",
        "token: ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "Authorization: Bearer abcdef0123456789abcdef0123",
    ],
)
def test_a_text_that_shows_a_secret_is_refused_without_repeating_it(text: str) -> None:
    """The objection goes into events and prompts: it must not hold the secret itself."""
    (objection, *_) = objections_to(a_remediation(configuration=[text]), LINES)
    assert "leave it out" in objection
    assert text.rsplit(maxsplit=1)[-1] not in objection


@pytest.mark.parametrize(
    "text",
    [
        "password=<your-password>",
        "password=[REDACTED:password]",
        "postgres://app:[REDACTED:password]@db/shop",
        "password: incorrect for user",
        "DB_PASSWORD=${DB_PASSWORD1}",
        "rotate the token and restart",
        "set password_encryption to scram-sha-256",
    ],
)
def test_placeholders_and_prose_are_no_secrets(text: str) -> None:
    """What stands where a secret was taken out or is to be put in."""
    assert leaked_secrets(text) == []


def test_a_record_mentioned_in_prose_must_exist() -> None:
    """`app.log#999` in a sentence is a claim too; what a record itself says is none."""
    lines = {**LINES, "app.log#8": a_line(8, "see ticket ops#4242")}
    (objection,) = objections_to(a_report(why="As app.log#999 shows"), lines)
    assert "app.log#999" in objection
    assert objections_to(a_report(why="app.log#7 says so, see ticket ops#4242 (#3)"), lines) == []
