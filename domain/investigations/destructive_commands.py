"""Commands that destroy data: found in proposed text, so that none goes out without a warning.

The list is of what cannot be taken back with the tool itself. It errs on the side of asking for a
warning: a warning too many costs one line, one too few costs a database.
"""

import re
from collections.abc import Iterable

_COMMANDS: tuple[tuple[str, str], ...] = (
    ("rm -r", r"\brm\s+(?:-{1,2}[\w=-]{1,30}\s+){0,4}-(?:-recursive|[a-z]{0,6}r)"),
    ("rm with a wildcard", r"\brm\s[^\n|;&]{0,200}?\*"),
    ("find -delete", r"\bfind\s[^\n|;]{0,300}?(?:-delete\b|-exec(?:dir)?\s+rm\b)"),
    ("shred", r"\bshred\s+[-/]"),
    ("wipefs", r"\b(?:wipefs|blkdiscard)\b"),
    ("mkfs", r"\bmkfs(?:\.\w{1,10})?\b|\bmke2fs\b|\bmkswap\b"),
    ("dd of=", r"\bdd\s[^\n|;]{0,200}?\bof="),
    ("writing to a device", r">\s{0,3}/dev/(?:sd|nvme|vd|xvd|hd|mapper|md)\w{0,20}"),
    ("truncate -s", r"\btruncate\s+(?:-s|--size)"),
    ("partitioning", r"\b(?:parted|sgdisk)\b[^\n;]{0,80}(?:\bmklabel\b|\brm\b|-Z\b|--zap)"),
    ("lvremove", r"\b(?:lv|vg|pv)remove\b"),
    ("zfs destroy", r"\b(?:zfs|zpool)\s+destroy\b|\bbtrfs\s+subvolume\s+delete\b"),
    ("DROP", r"\bdrop\s+(?:table|database|schema|collection|keyspace|user|role|column|owned)\b"),
    ("DROP", r"\bdrop\s+(?:index|view|tablespace|partition|publication|stream|measurement)\b"),
    ("dropdb", r"\bdropdb\b|\bdropDatabase\b|\bdropUser\b|\.drop\(\s{0,3}\)"),
    ("TRUNCATE", r"\btruncate\s+table\b|\b(?-i:TRUNCATE)\s+[\"`\w.]"),
    ("DELETE without WHERE", r"\bdelete\s+from\s+[\"`\[\]\w.]++(?![^;\n]{0,500}\bwhere\b)"),
    (
        "UPDATE without WHERE",
        r"\bupdate\s+[\"`\w.]++\s+set\s(?![^;\n]{0,500}\bwhere\b)[^;\n]{0,99}=",
    ),
    ("deleteMany({})", r"\b(?:deleteMany|remove)\(\s{0,5}\{\s{0,5}\}"),
    ("FLUSHALL", r"\bflush(?:all|db)\b"),
    ("pg_resetwal", r"\bpg_reset(?:wal|xlog)\b"),
    ("zero_damaged_pages", r"\bzero_damaged_pages\b"),
    ("innodb_force_recovery", r"\binnodb_force_recovery\s{0,3}=\s{0,3}[4-6]"),
    ("RESET MASTER", r"\breset\s+(?:master|binary\s+logs)\b|\bpurge\s+binary\s+logs\b"),
    ("kubectl delete", r"\b(?:kubectl|oc)\s[^\n;|]{0,100}?(?:\bdelete\b|--delete-emptydir-data\b)"),
    ("helm uninstall", r"\bhelm\s+(?:uninstall|delete)\b"),
    ("terraform destroy", r"\b(?:terraform|tofu|pulumi|cdk)\s+destroy\b"),
    ("docker prune", r"\b(?:docker|podman|nerdctl|buildah)\s+(?:\w{1,20}\s+){0,2}prune\b"),
    ("docker rm", r"\b(?:docker|podman)\s+(?:volume\s+rm|container\s+rm|image\s+rm|rmi?\s)"),
    ("compose down -v", r"\bcompose\s[^\n;]{0,80}?\bdown\s[^\n;]{0,80}?(?:-v\b|--volumes\b)"),
    ("git push --force", r"\bgit\s+push\s[^\n;|]{0,200}?(?:--force|--delete\b|--mirror\b|-f\b)"),
    (
        "git reset --hard",
        r"\bgit\s+(?:reset\s+--hard|clean\s+-\w{0,5}f|filter-branch|branch\s+-D)\b",
    ),
    ("aws delete", r"\baws\s+\w[\w-]{1,30}\s+(?:delete|terminate)-\w|\baws\s+s3\s+(?:rm|rb)\b"),
    ("cloud delete", r"\b(?:gcloud|az)\s[^\n;|]{0,120}?\bdelete\b|\bgsutil\s+(?:-m\s+)?rm\b"),
    ("kafka delete", r"\bkafka-(?:topics|consumer-groups)\S{0,5}\s[^\n;]{0,200}?--delete\b"),
    ("kafka delete", r"\bkafka-delete-records\b"),
    (
        "rabbitmq reset",
        r"\brabbitmqctl\s[^\n;]{0,80}?(?:reset|purge_queue|delete_queue|delete_vhost)\b",
    ),
    ("etcdctl del", r"\betcdctl\s[^\n;]{0,120}?\bdel\b"),
    ("nats purge", r"\bnats\s+stream\s+(?:purge|rm|del)\b"),
    ("HTTP DELETE", r"\bcurl\s[^\n;|]{0,200}?(?:-X\s{0,3}|--request[ =])[\"']?DELETE\b"),
    ("delete by query", r"\b_delete_by_query\b"),
    ("fsck -y", r"\b(?:fsck|e2fsck|xfs_repair)\S{0,8}\s[^\n;]{0,60}?-\w{0,4}[yL]\b"),
    ("journal vacuum", r"\bjournalctl\s[^\n;]{0,80}?--vacuum-"),
    ("crontab -r", r"\bcrontab\s+-r\b"),
    ("userdel -r", r"\buserdel\s+-\w{0,4}r"),
    ("Remove-Item", r"\bremove-item\s[^\n;|]{0,200}?-(?:recurse|force)\b|\bformat-volume\b"),
    ("rmdir /s", r"\b(?:rmdir|rd)\s+/s\b|\bdel\s+/[fsq]\b|\bformat\s+[a-z]:\s{0,3}(?:/|$)"),
)
# One expression: a text without any command (nearly every text) is read once, not fifty times.
_ANY = re.compile(
    "|".join(f"(?P<c{i}>{pattern})" for i, (_, pattern) in enumerate(_COMMANDS)), re.IGNORECASE
)

_WARNING = re.compile(
    r"\b(?:warning|caution|danger\w*|destructive|destroys|irreversibl\w*|permanent\w*|unrecoverable"
    r"|cannot be undone|can't be undone|los(?:e|es|ing|t)|data loss|back(?:ed)?[ -]up"
    r"|(?<![/._-])backups?(?![/._-])"
    r"|attention|avertissement|irréversible\w*|perte|perdu\w*|détrui\w*|sauvegard\w*|définitiv\w*)\b",
    re.IGNORECASE,
)
_ADVISED_AGAINST = re.compile(
    r"\b(?:do not|don't|never|avoid|instead of|rather than|without|ne pas|jamais|éviter)"
    r"\b[^.\n]{0,40}$",
    re.IGNORECASE,
)
_READ_AT_MOST = 20_000


def destructive_commands(text: str) -> list[str]:
    """Names of the data-destroying commands a text proposes; not those it advises against."""
    found: dict[str, None] = {}
    text = text[:_READ_AT_MOST]
    for match in _ANY.finditer(text):
        if _ADVISED_AGAINST.search(text[max(0, match.start() - 60) : match.start()]):
            continue
        found[_COMMANDS[int((match.lastgroup or "c0")[1:])][0]] = None
    return list(found)


def warns_of_loss(texts: Iterable[str]) -> bool:
    """Whether one of the texts says that data can be lost."""
    return any(_WARNING.search(text) for text in texts)
