"""Apache httpd, alone and before an application."""

from pathlib import Path
from subprocess import Popen

from tests.faultlab.record.case import Cases, Fault
from tests.faultlab.record.laboratory import Laboratory, port, stop
from tests.faultlab.record.web import application, certificate, visit

CASES = Cases()
MODULES = (
    "mpm_event",
    "authz_core",
    "authn_core",
    "authz_host",
    "alias",
    "dir",
    "mime",
    "proxy",
    "proxy_http",
    "ssl",
    "socache_shmcb",
    "reqtimeout",
)
COMBINED = r"%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\""
STATIC = ("/", "/articles", "/cart", "/health")


def configuration(lab: Laboratory, listens: int, more: str) -> Path:
    """httpd.conf with the modules of a Debian server."""
    modules = "\n".join(
        f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so" for m in MODULES
    )
    root = lab.place("htdocs")
    for page in ("index.html", "articles", "cart", "health"):
        (root / page).write_text("<p>ok</p>\n")
    return lab.write(
        "httpd.conf",
        f"""ServerRoot {lab.folder}
ServerName www.shop.internal
PidFile {lab.folder}/httpd.pid
{modules}
User www-data
Group www-data
TypesConfig /etc/mime.types
Listen 127.0.0.1:{listens}
StartServers 1
ErrorLog {lab.log("apache-error")}
CustomLog {lab.log("apache-access")} "{COMBINED}"
LogLevel info
DocumentRoot {root}
<Directory {root}>
  Require all granted
</Directory>
{more}
""",
    )


def start(lab: Laboratory, conf: Path, ready: int | None) -> Popen[bytes]:
    """Start httpd in the foreground."""
    return lab.start("apache-error", ["apache2", "-DFOREGROUND", "-f", conf], ready=ready)


@CASES.case(
    "apache-application-refused",
    "apache",
    "the application behind ProxyPass dies",
    Fault(
        "The shop application behind Apache is not running: connection refused, visitors get 503",
        "dependency_down",
        "shop",
        ("AH00957", "Connection refused"),
        (
            ("backend", "upstream", "shop", "application", "proxy"),
            ("refused", "down", "not running", "unavailable", "stopped"),
        ),
        ("connection_refused", "crash"),
    ),
    criticality="critical",
)
def refused(lab: Laboratory) -> None:
    app, front = port(8000), port(8081)
    running = application(lab, app)
    start(
        lab,
        configuration(
            lab,
            front,
            f"ProxyPass / http://127.0.0.1:{app}/ retry=1\nProxyPassReverse / "
            f"http://127.0.0.1:{app}/",
        ),
        front,
    )
    visit(front, 30)
    stop(running, 9)
    visit(front, 40, pause=0.15)


@CASES.case(
    "apache-parent-folder-not-searchable",
    "apache",
    "chmod 700 of the site's folder",
    Fault(
        "Apache may not search a component of the site's path: Permission denied, visitors get 403",
        "authorization",
        "apache",
        ("Permission denied",),
        (("permission", "forbidden", "403", "access"),),
        ("misconfiguration",),
    ),
)
def not_searchable(lab: Laboratory) -> None:
    front = port(8081)
    start(lab, configuration(lab, front, ""), front)
    visit(front, 25, STATIC)
    (lab.folder / "htdocs").chmod(0o700)
    visit(front, 25, STATIC)


@CASES.case(
    "apache-unknown-directive",
    "apache",
    "a directive of a module that is not loaded",
    Fault(
        "Apache does not start: RewriteEngine is used but mod_rewrite is not loaded",
        "misconfiguration",
        "apache",
        ("Invalid command 'RewriteEngine'",),
        (("rewrite", "command", "directive", "module", "configuration"),),
    ),
    criticality="critical",
)
def unknown_directive(lab: Laboratory) -> None:
    front = port(8081)
    running = start(lab, configuration(lab, front, ""), front)
    visit(front, 25, STATIC)
    stop(running)
    conf = configuration(lab, front, "RewriteEngine On\nRewriteRule ^/old /articles")
    for _ in range(2):
        start(lab, conf, None).wait(10)


@CASES.case(
    "apache-tls-key-differs",
    "apache",
    "renewed certificate, old key",
    Fault(
        "Apache does not start: certificate and private key do not match",
        "tls_failure",
        "apache",
        ("AH02565",),
        (("key", "certificate"), ("match", "mismatch")),
        ("misconfiguration",),
    ),
    criticality="critical",
)
def key_differs(lab: Laboratory) -> None:
    front = port(8081)
    running = start(lab, configuration(lab, front, ""), front)
    visit(front, 20, STATIC)
    stop(running)
    crt, _ = certificate(lab, "www")
    _, key = certificate(lab, "former")
    conf = configuration(
        lab, front, f"SSLEngine on\nSSLCertificateFile {crt}\nSSLCertificateKeyFile {key}"
    )
    for _ in range(2):
        start(lab, conf, None).wait(10)


@CASES.case(
    "apache-workers-used-up",
    "apache",
    "MaxRequestWorkers 4 and slow reports",
    Fault(
        "Apache reached MaxRequestWorkers: slow requests hold every worker",
        "connections_exhausted",
        "apache",
        ("MaxRequestWorkers",),
        (("maxrequestworkers", "worker"),),
        ("timeout", "misconfiguration"),
    ),
)
def workers(lab: Laboratory) -> None:
    from threading import Thread

    app, front = port(8000), port(8081)
    application(lab, app, slow=4)
    more = (
        "ServerLimit 1\nThreadsPerChild 4\nMinSpareThreads 1\nMaxSpareThreads 4\n"
        f"MaxRequestWorkers 4\nProxyPass / http://127.0.0.1:{app}/"
    )
    start(lab, configuration(lab, front, more), front)
    visit(front, 25)
    crowd = [Thread(target=visit, args=(front, 3, ("/report",), 0.2)) for _ in range(9)]
    for visitor in crowd:
        visitor.start()
    for visitor in crowd:
        visitor.join()


@CASES.case(
    "healthy-apache-graceful",
    "apache",
    "none (graceful restarts, 404, a scanner, a client that leaves)",
)
def healthy(lab: Laboratory) -> None:
    front = port(8081)
    conf = configuration(lab, front, "Alias /old /nowhere")
    running = start(lab, conf, front)
    visit(front, 30, (*STATIC, "/favicon.ico", "/old/1"))
    lab.quiet("apache2", "-f", conf, "-k", "graceful")
    visit(front, 20, (*STATIC, "/.env", "/wp-login.php", "/cgi-bin/test"))
    lab.quiet("apache2", "-f", conf, "-k", "graceful")
    visit(front, 30, STATIC)
    stop(running)
