"""Daemons of a machine: SSH, name servers, directories, small proxies."""

from pathlib import Path

from tests.faultlab.record.case import Cases, Fault
from tests.faultlab.record.laboratory import Laboratory, port, stop
from tests.faultlab.record.syslog import collect
from tests.faultlab.record.web import PAGES, application, visit

CASES = Cases()


@CASES.case(
    "sshd-password-guessing",
    "sshd",
    "passwords are guessed for root and made-up users",
    Fault(
        "Somebody guesses SSH passwords for root and unknown users",
        "security_attack",
        "sshd",
        ("Failed password for",),
        (
            (
                "brute",
                "guess",
                "attack",
                "failed login",
                "failed password",
                "intrusion",
                "credential",
                "ssh",
            ),
        ),
        ("authentication",),
    ),
)
def guessing(lab: Laboratory) -> None:
    listens = ssh_server(lab)
    for name in ("root", "admin", "oracle", "root", "test", "git", "root", "ubuntu", "pi", "root"):
        guess(lab, listens, name, "123456")


def ssh_server(lab: Laboratory) -> int:
    """Start an SSH daemon on loopback; its port."""
    collect(lab, "auth", dev_log=True)
    listens = port(2222)
    key = lab.folder / "host_key"
    lab.quiet("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
    Path("/run/sshd").mkdir(exist_ok=True)
    conf = lab.write(
        "sshd_config",
        f"Port {listens}\nListenAddress 127.0.0.1\nHostKey {key}\nPasswordAuthentication "
        f"yes\nPermitRootLogin yes\nUsePAM no\nPidFile {lab.folder}/sshd.pid\n"
        "MaxAuthTries 3\n",
    )
    lab.start("sshd-own", ["/usr/sbin/sshd", "-D", "-f", conf], ready=listens)
    lab.forget("sshd-own")
    return listens


def guess(lab: Laboratory, listens: int, name: str, password: str) -> None:
    """Try to log in."""
    lab.quiet(
        "sshpass",
        "-p",
        password,
        "ssh",
        "-p",
        str(listens),
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
        "-o",
        "PubkeyAuthentication=no",
        "-o",
        "NumberOfPasswordPrompts=3",
        f"{name}@127.0.0.1",
        "true",
    )


@CASES.case("healthy-sshd", "sshd", "none (a mistyped password, then none; clients that only look)")
def healthy_ssh(lab: Laboratory) -> None:
    listens = ssh_server(lab)
    lab.quiet("ssh-keyscan", "-p", str(listens), "127.0.0.1")
    guess(lab, listens, "nobody", "mistyped")
    lab.quiet("ssh-keyscan", "-p", str(listens), "127.0.0.1")


@CASES.case(
    "named-zone-file-broken",
    "bind",
    "a record without a type in the zone file",
    Fault(
        "BIND does not load the zone shop.internal: its zone file is broken, queries get SERVFAIL",
        "misconfiguration",
        "named",
        ("not loaded due to errors",),
        (("zone",), ("load", "error", "broken", "invalid", "fail", "syntax")),
        ("dns_failure",),
    ),
)
def zone_broken(lab: Laboratory) -> None:
    listens, control = port(5355), port(9953)
    head = (
        "$TTL 60\n@ IN SOA ns.shop.internal. root.shop.internal. (2026112301 60 60 600 60)\n"
        "@ IN NS ns.shop.internal.\nns IN A 127.0.0.1\nwww IN A 127.0.0.1\n"
    )
    zone = lab.write("shop.zone", head)
    conf = lab.write(
        "named.conf",
        f"""options {{ directory "{lab.folder}"; listen-on port {listens} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }}; recursion no;
  pid-file "{lab.folder}/named.pid"; session-keyfile "{lab.folder}/session.key";
  dnssec-validation no; allow-query {{ 127.0.0.0/8; }}; }};
controls {{ }};
logging {{ channel own {{ stderr; print-time yes; print-severity yes; print-category yes; }};
  category default {{ own; }}; category queries {{ own; }};
  category query-errors {{ own; }}; }};
zone "shop.internal" {{ type primary; file "{zone}"; }};
""",
    )
    del control
    command = ["named", "-f", "-c", conf, "-n", "1"]
    running = lab.start("named", command, ready=listens)
    ask(lab, listens, 15)
    stop(running)
    zone.write_text(head + "images 127.0.0.1\n")
    lab.start("named", command, ready=listens)
    ask(lab, listens, 25)


def ask(lab: Laboratory, listens: int, times: int) -> None:
    """Ask for names."""
    for number in range(times):
        name = ("www", "ns", "images")[number % 3]
        lab.quiet(
            "dig", "+tries=1", "+time=1", "-p", str(listens), "@127.0.0.1", f"{name}.shop.internal"
        )


@CASES.case(
    "slapd-wrong-bind-password",
    "openldap",
    "the portal binds with an old password",
    Fault(
        "The portal's LDAP bind is refused: invalid credentials",
        "authentication",
        "portal",
        ("invalidCredentials", "err=49"),
        (("credential", "password", "bind"),),
        ("misconfiguration", "authorization"),
    ),
)
def wrong_bind(lab: Laboratory) -> None:
    listens = port(3890)
    lab.place("ldap")
    conf = lab.write(
        "slapd.conf",
        f"""include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {lab.folder}/slapd.pid
database mdb
suffix "dc=shop"
rootdn "cn=portal,dc=shop"
rootpw directory-5
directory {lab.folder}/ldap
""",
    )
    lab.start(
        "slapd",
        ["slapd", "-f", conf, "-h", f"ldap://127.0.0.1:{listens}", "-d", "256"],
        ready=listens,
    )
    for password, times in (("directory-5", 12), ("directory-4", 14)):
        lab.program("portal", "portal.py", listens, password, times).wait(30)


@CASES.case(
    "lighttpd-configuration-unknown-condition",
    "lighttpd",
    "a broken condition in the configuration",
    Fault(
        "lighttpd does not start: its configuration cannot be parsed",
        "misconfiguration",
        "lighttpd",
        ("parser failed",),
        (("config", "pars", "syntax"),),
    ),
    criticality="critical",
)
def lighttpd(lab: Laboratory) -> None:
    front = port(8085)
    (lab.place("www") / "index.html").write_text("ok")
    text = (
        f'server.modules = ("mod_accesslog")\nserver.port = {front}\nserver.bind = "127.0.0.1"\n'
        f'server.document-root = "{lab.folder}/www"\n'
        f'accesslog.filename = "{lab.log("lighttpd-access")}"\n'
        f'server.errorlog = "{lab.log("lighttpd")}"\n'
    )
    conf = lab.write("lighttpd.conf", text)
    running = lab.start("lighttpd", ["lighttpd", "-D", "-f", conf], ready=front)
    visit(front, 24, PAGES)
    stop(running)
    conf.write_text(text + '$HTTP["host"] ~ "shop" {\n  server.follow-symlink = "enable"\n')
    for _ in range(2):
        lab.start("lighttpd", ["lighttpd", "-D", "-f", conf]).wait(10)


@CASES.case(
    "squid-denies-the-application",
    "squid",
    "the access list lost the application's network",
    Fault(
        "Squid denies the thumbnailer's requests (TCP_DENIED, 403): its access rules do "
        "not allow it",
        "authorization",
        "squid",
        ("TCP_DENIED/403", "403 Client Error"),
        (("denied", "forbidden", "403", "access"),),
        ("misconfiguration",),
    ),
)
def squid(lab: Laboratory) -> None:
    app, proxy = port(8000), port(3128)
    application(lab, app, "images")
    access = lab.log("squid-access")
    conf = lab.write(
        "squid.conf",
        f"http_port 127.0.0.1:{proxy}\ncache deny all\nhttp_access ALLOW all\naccess_log "
        f"stdio:{access}\ncache_log {lab.log('squid')}\n"
        f"pid_filename {lab.folder}/squid.pid\ncoredump_dir {lab.folder}\n"
        "shutdown_lifetime 1 seconds\nvisible_hostname edge-3\nnetdb_filename none\n"
        "pinger_enable off\n",
    )
    text = conf.read_text()
    for word, times in (("allow", 15), ("deny", 12)):
        conf.write_text(text.replace("ALLOW", word))
        running = lab.start("squid", ["squid", "-N", "-f", conf], ready=proxy)
        lab.program(
            "thumbnailer",
            "thumbnailer.py",
            "fetch",
            f"http://127.0.0.1:{app}/articles",
            times,
            0.05,
            environment={"http_proxy": f"http://127.0.0.1:{proxy}"},
        ).wait(60)
        stop(running)


@CASES.case(
    "double-oom-and-guessing",
    "linux",
    "passwords are guessed while another program runs out of memory",
    Fault(
        "The warehouse runs out of Java heap: OutOfMemoryError",
        "memory_exhausted",
        "warehouse",
        ("java.lang.OutOfMemoryError",),
        (("memory", "heap"),),
        ("crash",),
    ),
    second=Fault(
        "Somebody guesses SSH passwords for root and unknown users",
        "security_attack",
        "auth",
        ("Failed password for",),
        (
            (
                "brute",
                "guess",
                "attack",
                "failed login",
                "failed password",
                "intrusion",
                "credential",
                "ssh",
            ),
        ),
        ("authentication",),
    ),
)
def two_troubles(lab: Laboratory) -> None:
    from tests.faultlab.record.runtimes import warehouse

    listens = ssh_server(lab)
    picking = warehouse(lab, "heap", "-", 60)
    for name in ("root", "admin", "oracle", "root", "test", "git"):
        guess(lab, listens, name, "123456")
    picking.wait(60)
