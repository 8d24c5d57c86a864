"""nginx before a small application."""

from pathlib import Path
from subprocess import Popen

from tests.faultlab.record.case import Cases, Fault
from tests.faultlab.record.laboratory import Laboratory, port, stop
from tests.faultlab.record.web import PAGES, application, certificate, visit

CASES = Cases()


def configuration(
    lab: Laboratory,
    listens: int,
    locations: str,
    server: str = "",
    events: str = "worker_connections 256;",
) -> Path:
    """nginx.conf with these locations."""
    access, errors = lab.log("nginx-access"), lab.log("nginx-error")
    return lab.write(
        "nginx.conf",
        f"""user www-data;
worker_processes 1;
pid {lab.folder}/nginx.pid;
error_log {errors} info;
events {{ {events} }}
http {{
  access_log {access} combined;
  client_body_temp_path {lab.folder}/body; proxy_temp_path {lab.folder}/proxy;
  fastcgi_temp_path {lab.folder}/fcgi;
  uwsgi_temp_path {lab.folder}/uwsgi; scgi_temp_path {lab.folder}/scgi;
  server {{
    listen 127.0.0.1:{listens};
    {server}
    {locations}
  }}
}}
""",
    )


def start(lab: Laboratory, conf: Path, ready: int | None) -> Popen[bytes]:
    """Start nginx in the foreground; what it says before it knows its log goes to the error log."""
    return lab.start("nginx-error", ["nginx", "-c", conf, "-g", "daemon off;"], ready=ready)


def proxy_to(upstream: str, more: str = "") -> str:
    return f"location / {{ proxy_pass http://{upstream}; {more} }}"


@CASES.case(
    "nginx-typo-in-reload",
    "nginx",
    "a directive is misspelt, then restarted",
    Fault(
        "nginx does not start: its configuration has an unknown directive proxy_pas",
        "misconfiguration",
        "nginx",
        ('unknown directive "proxy_pas"',),
        (("directive", "configuration", "proxy_pas", "config"),),
    ),
    criticality="critical",
)
def typo(lab: Laboratory) -> None:
    app, front = port(8000), port(8080)
    application(lab, app)
    conf = configuration(lab, front, proxy_to(f"127.0.0.1:{app}"))
    running = start(lab, conf, front)
    visit(front, 30)
    stop(running)
    conf.write_text(conf.read_text().replace("proxy_pass ", "proxy_pas "))
    for _ in range(3):
        start(lab, conf, None).wait(10)


@CASES.case(
    "nginx-upload-too-large",
    "nginx",
    "client_max_body_size 64k, photos have 300k",
    Fault(
        "Uploads are larger than client_max_body_size, nginx answers 413",
        "misconfiguration",
        "nginx",
        ("client intended to send too large body",),
        (("body", "upload", "413", "request entity"), ("large", "size", "limit", "exceed")),
        ("rate_limited",),
    ),
    criticality="medium",
)
def too_large(lab: Laboratory) -> None:
    app, front = port(8000), port(8080)
    application(lab, app)
    start(
        lab,
        configuration(lab, front, proxy_to(f"127.0.0.1:{app}"), "client_max_body_size 64k;"),
        front,
    )
    visit(front, 24)
    for _ in range(12):
        visit(front, 2, ("/articles",))
        visit(front, 1, ("/photos",), body=b"j" * 300_000)


@CASES.case(
    "nginx-document-root-forbidden",
    "nginx",
    "a deployment left the document root with mode 700",
    Fault(
        "nginx may not read the document root: Permission denied, visitors get 403",
        "authorization",
        "nginx",
        ("(13: Permission denied)",),
        (("permission", "forbidden", "access", "403"),),
        ("misconfiguration",),
    ),
)
def forbidden(lab: Laboratory) -> None:
    front = port(8080)
    root = lab.place("www")
    for page in ("index.html", "articles", "cart", "health", "favicon.ico"):
        (root / page).write_text("<p>ok</p>\n")
    start(lab, configuration(lab, front, f"root {root};"), front)
    pages = ("/", "/articles", "/cart", "/health")
    visit(front, 30, pages)
    root.chmod(0o700)
    visit(front, 25, pages)


@CASES.case(
    "nginx-worker-connections",
    "nginx",
    "worker_connections 12 and slow reports",
    Fault(
        "nginx has too few worker_connections for the open requests",
        "connections_exhausted",
        "nginx",
        ("worker_connections are not enough",),
        (("worker_connections", "connection"),),
        ("misconfiguration",),
    ),
)
def few_connections(lab: Laboratory) -> None:
    from threading import Thread

    app, front = port(8000), port(8080)
    application(lab, app, slow=3)
    start(
        lab,
        configuration(lab, front, proxy_to(f"127.0.0.1:{app}"), events="worker_connections 12;"),
        front,
    )
    visit(front, 20)
    crowd = [Thread(target=visit, args=(front, 3, ("/report",), 0.2)) for _ in range(14)]
    for visitor in crowd:
        visitor.start()
    for visitor in crowd:
        visitor.join()


@CASES.case(
    "nginx-key-of-another-certificate",
    "nginx",
    "the key file belongs to another certificate",
    Fault(
        "nginx does not start: the private key does not match the certificate",
        "tls_failure",
        "nginx",
        ("key values mismatch",),
        (("key", "certificate"), ("match", "mismatch")),
        ("misconfiguration",),
    ),
    criticality="critical",
)
def other_key(lab: Laboratory) -> None:
    app, front = port(8000), port(8080)
    application(lab, app)
    crt, _ = certificate(lab, "shop")
    _, key = certificate(lab, "old")
    conf = configuration(lab, front, proxy_to(f"127.0.0.1:{app}"))
    running = start(lab, conf, front)
    visit(front, 24)
    stop(running)
    tls = f"listen 127.0.0.1:{port(8443)} ssl; ssl_certificate {crt}; ssl_certificate_key {key};"
    conf = configuration(lab, front, proxy_to(f"127.0.0.1:{app}"), tls)
    for _ in range(2):
        start(lab, conf, None).wait(10)


@CASES.case(
    "nginx-upstream-name-unknown",
    "nginx",
    "the upstream's name is not in any DNS",
    Fault(
        "nginx cannot resolve its upstream recommendations.shop.internal",
        "dns_failure",
        "nginx",
        ("could not be resolved",),
        (("resolv", "dns", "host not found", "name"),),
        ("misconfiguration",),
    ),
)
def unknown_name(lab: Laboratory) -> None:
    app, front, names = port(8000), port(8080), port(5353)
    application(lab, app)
    lab.start(
        "dnsmasq",
        [
            "dnsmasq",
            "-k",
            "--no-resolv",
            "--no-hosts",
            f"--port={names}",
            "--listen-address=127.0.0.1",
            "--bind-interfaces",
            "--log-facility=-",
            "--log-queries",
            "--local=/shop.internal/",
            "--user=root",
            "--conf-file=/dev/null",
        ],
    )
    locations = (
        proxy_to(f"127.0.0.1:{app}")
        + f"\nlocation /recommendations {{ resolver 127.0.0.1:{names} ipv6=off; set $who "
        f"recommendations.shop.internal; proxy_pass http://$who:9000; }}"
    )
    start(lab, configuration(lab, front, locations), front)
    visit(front, 24)
    visit(front, 30, ("/recommendations", "/articles"), pause=0.3)


@CASES.case(
    "healthy-nginx-reloads",
    "nginx",
    "none (reloads, 404, clients that leave, a slow answer that arrives)",
)
def healthy(lab: Laboratory) -> None:
    app, front = port(8000), port(8080)
    application(lab, app, slow=1)
    running = start(lab, configuration(lab, front, proxy_to(f"127.0.0.1:{app}")), front)
    visit(front, 30, (*PAGES, "/old/page"))
    visit(front, 1, ("/report",), patience=0.4)
    running.send_signal(1)
    visit(front, 30, (*PAGES, "/robots.txt"), pause=0.1)
    visit(front, 2, ("/report",))
    running.send_signal(1)
    visit(front, 20)
    stop(running, 3)
