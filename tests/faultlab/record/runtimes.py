"""Programs in Java, Go, Ruby and Node that fail on their own or because of a neighbour."""

from subprocess import Popen

from tests.faultlab.record.case import Cases, Fault
from tests.faultlab.record.laboratory import PROGRAMS, ROOT, Laboratory, port, stop
from tests.faultlab.record.web import application

CASES = Cases()


def warehouse(lab: Laboratory, *arguments: object, memory: str = "64m") -> Popen[bytes]:
    """Compile and start the Java program."""
    home = ROOT / "warehouse"
    home.mkdir(exist_ok=True)
    lab.quiet("javac", "-d", home, PROGRAMS / "Warehouse.java")
    return lab.start(
        "warehouse", ["java", f"-Xmx{memory}", "-cp", home, "Warehouse", *map(str, arguments)]
    )


def courier(lab: Laboratory, *arguments: object) -> Popen[bytes]:
    """Compile and start the Go program."""
    home = ROOT / "courier"
    home.mkdir(exist_ok=True)
    (home / "main.go").write_text((PROGRAMS / "courier.go").read_text())
    lab.quiet(
        "sh",
        "-c",
        f"cd {home} && GOCACHE=/srv/lab/gocache GO111MODULE=off CGO_ENABLED=0 go build -o "
        "courier main.go",
        seconds=180,
    )
    return lab.start("courier", [home / "courier", *map(str, arguments)])


@CASES.case(
    "java-heap-exhausted",
    "java",
    "a history that only grows, -Xmx64m",
    Fault(
        "The warehouse runs out of Java heap: OutOfMemoryError",
        "memory_exhausted",
        "warehouse",
        ("java.lang.OutOfMemoryError: Java heap space",),
        (("memory", "heap"),),
        ("crash",),
    ),
)
def heap(lab: Laboratory) -> None:
    warehouse(lab, "heap", "-", 60).wait(60)


@CASES.case(
    "java-endless-recursion",
    "java",
    "a cycle in the tree of categories",
    Fault(
        "A cycle in the categories makes depth() recurse endlessly: StackOverflowError",
        "code_defect",
        "warehouse",
        ("java.lang.StackOverflowError",),
        (("stackoverflow", "recurs", "stack overflow"),),
        ("crash", "memory_exhausted", "data_corruption"),
    ),
)
def recursion(lab: Laboratory) -> None:
    warehouse(lab, "depth", "-", 30).wait(60)


@CASES.case(
    "java-class-not-shipped",
    "java",
    "the driver's jar is missing from the class path",
    Fault(
        "The class com.shop.labels.ZebraPrinter is not on the class path",
        "misconfiguration",
        "warehouse",
        ("java.lang.ClassNotFoundException: com.shop.labels.ZebraPrinter",),
        (("classnotfound", "class", "zebraprinter"),),
        ("bad_deployment", "code_defect"),
    ),
)
def class_missing(lab: Laboratory) -> None:
    warehouse(lab, "class", "com.shop.labels.ZebraPrinter", 22).wait(60)


@CASES.case(
    "java-keystore-password",
    "java",
    "the key store's password was rotated",
    Fault(
        "The key store cannot be opened: its password is incorrect",
        "authentication",
        "warehouse",
        ("keystore password was incorrect",),
        (("keystore", "key store"), ("password",)),
        ("misconfiguration", "tls_failure"),
    ),
)
def keystore(lab: Laboratory) -> None:
    store = ROOT / "warehouse" / "client.p12"
    store.parent.mkdir(exist_ok=True)
    store.unlink(missing_ok=True)
    lab.quiet(
        "keytool",
        "-genkeypair",
        "-alias",
        "client",
        "-keyalg",
        "RSA",
        "-storetype",
        "PKCS12",
        "-keystore",
        store,
        "-storepass",
        "after-rotation",
        "-dname",
        "CN=warehouse",
    )
    warehouse(lab, "keystore", store, 16).wait(60)


@CASES.case(
    "cascade-java-carrier-slow",
    "java",
    "the carrier's service takes 4 s, the client waits 1 s",
    Fault(
        "The carrier service is slow, so the warehouse's requests time out",
        "timeout",
        "carrier",
        ("java.net.http.HttpTimeoutException",),
        (("time", "slow"),),
        ("dependency_down",),
    ),
)
def carrier_slow(lab: Laboratory) -> None:
    listens = port(8300)
    application(lab, listens, "carrier", slow=4)
    warehouse(lab, "http", f"http://127.0.0.1:{listens}/articles", 20).wait(60)
    warehouse(lab, "http", f"http://127.0.0.1:{listens}/report", 12).wait(60)


@CASES.case(
    "cascade-java-carrier-gone",
    "java",
    "the carrier's service is stopped",
    Fault(
        "The carrier service was stopped, the warehouse's connections to it fail: ConnectException",
        "dependency_down",
        "carrier",
        ("java.net.ConnectException",),
        (
            ("carrier", "connect", "8300"),
            (
                "refused",
                "down",
                "stopped",
                "not running",
                "unavailable",
                "connectexception",
                "fail",
                "unreachable",
            ),
        ),
        ("connection_refused", "crash", "network_unreachable"),
    ),
)
def carrier_gone(lab: Laboratory) -> None:
    listens = port(8300)
    carrier = application(lab, listens, "carrier")
    warehouse(lab, "http", f"http://127.0.0.1:{listens}/articles", 15).wait(60)
    stop(carrier, 9)
    warehouse(lab, "http", f"http://127.0.0.1:{listens}/articles", 10).wait(60)


@CASES.case(
    "go-write-to-nil-map",
    "go",
    "a tour is made without its map",
    Fault(
        "courier panics: assignment to entry in nil map (tour.add)",
        "code_defect",
        "courier",
        ("panic: assignment to entry in nil map",),
        (("nil map", "panic"),),
        ("crash",),
    ),
    criticality="critical",
)
def nil_map(lab: Laboratory) -> None:
    for _ in range(3):
        courier(lab, "map", "-", 30).wait(60)


@CASES.case(
    "go-index-out-of-range",
    "go",
    "one stop too few",
    Fault(
        "courier panics: index out of range",
        "code_defect",
        "courier",
        ("index out of range [3] with length 2",),
        (("index", "panic", "range"),),
        ("crash",),
    ),
    criticality="critical",
)
def index(lab: Laboratory) -> None:
    courier(lab, "index", "-", 30).wait(60)


@CASES.case(
    "go-all-asleep",
    "go",
    "a wait group that nobody finishes",
    Fault(
        "courier deadlocks: all goroutines are asleep",
        "lock_contention",
        "courier",
        ("all goroutines are asleep - deadlock!",),
        (("deadlock", "asleep"),),
        ("code_defect", "crash"),
    ),
    criticality="critical",
)
def asleep(lab: Laboratory) -> None:
    courier(lab, "stuck", "-", 30).wait(60)


@CASES.case(
    "go-port-taken",
    "go",
    "another program listens on its port",
    Fault(
        "courier cannot serve: its port is already in use",
        "misconfiguration",
        "courier",
        ("bind: address already in use",),
        (("in use", "port", "occupied"),),
        ("crash",),
    ),
    criticality="critical",
)
def port_taken(lab: Laboratory) -> None:
    listens = port(8310)
    application(lab, listens, "depot")
    for _ in range(3):
        courier(lab, "listen", f"127.0.0.1:{listens}", 5).wait(60)


@CASES.case(
    "cascade-go-ruby-maps-gone",
    "go",
    "the service of distances dies; two clients in two languages need it",
    Fault(
        "The maps service died; courier and the mailer get connection refused",
        "dependency_down",
        "maps",
        ("connect: connection refused", "Errno::ECONNREFUSED"),
        (
            ("maps", "connection", "8320"),
            ("refused", "down", "stopped", "not running", "unavailable", "gone"),
        ),
        ("connection_refused", "crash"),
    ),
    criticality="critical",
)
def maps_gone(lab: Laboratory) -> None:
    listens = port(8320)
    url = f"http://127.0.0.1:{listens}/articles"
    maps = application(lab, listens, "maps")
    courier(lab, "ask", url, 20).wait(60)
    lab.program("mailer", "mailer.rb", "http", url, 12).wait(60)
    stop(maps, 9)
    tours = courier(lab, "ask", url, 25)
    lab.program("mailer", "mailer.rb", "http", url, 8).wait(60)
    tours.wait(60)


@CASES.case(
    "ruby-nil-customer",
    "ruby",
    "orders of deleted customers",
    Fault(
        "The mailer calls name on a missing customer: NoMethodError for nil",
        "code_defect",
        "mailer",
        ("undefined method `name' for nil:NilClass",),
        (("nomethod", "undefined method", "nil"),),
    ),
    criticality="medium",
)
def nil_customer(lab: Laboratory) -> None:
    lab.program("mailer", "mailer.rb", "nil", "-", 26).wait(60)


@CASES.case(
    "ruby-library-missing",
    "ruby",
    "a gem is not installed",
    Fault(
        "The mailer does not start: cannot load such file -- prawn/table",
        "misconfiguration",
        "mailer",
        ("cannot load such file -- prawn/table",),
        (("load", "prawn", "gem", "library", "missing"),),
        ("bad_deployment", "crash", "code_defect"),
    ),
    criticality="critical",
)
def library_missing(lab: Laboratory) -> None:
    for _ in range(3):
        lab.program("mailer", "mailer.rb", "load", "prawn/table", 26).wait(60)


@CASES.case(
    "node-heap-out",
    "node",
    "baskets are never forgotten, 40 MB of heap",
    Fault(
        "The checkout runs out of JavaScript heap",
        "memory_exhausted",
        "checkout",
        ("JavaScript heap out of memory",),
        (("memory", "heap"),),
        ("crash",),
    ),
    criticality="critical",
)
def node_heap(lab: Laboratory) -> None:
    lab.program(
        "checkout",
        "checkout.js",
        "heap",
        "-",
        60,
        environment={"NODE_OPTIONS": "--max-old-space-size=40"},
    ).wait(60)


@CASES.case(
    "node-port-taken",
    "node",
    "the previous process still listens",
    Fault(
        "The checkout cannot listen: EADDRINUSE, the port is taken",
        "misconfiguration",
        "checkout",
        ("EADDRINUSE",),
        (("in use", "eaddrinuse", "port"),),
        ("crash",),
    ),
    criticality="critical",
)
def node_port(lab: Laboratory) -> None:
    listens = port(8330)
    application(lab, listens, "checkout-old")
    for _ in range(3):
        lab.program("checkout", "checkout.js", "listen", listens, 5).wait(60)


@CASES.case(
    "node-module-missing",
    "node",
    "a dependency was not installed",
    Fault(
        "The checkout does not start: Cannot find module '@shop/vat'",
        "misconfiguration",
        "checkout",
        ("Cannot find module '@shop/vat'",),
        (("module", "@shop/vat"),),
        ("bad_deployment", "crash", "code_defect"),
    ),
    criticality="critical",
)
def node_module(lab: Laboratory) -> None:
    for _ in range(2):
        lab.program("checkout", "checkout.js", "module", "@shop/vat", 5).wait(60)


@CASES.case(
    "node-configuration-not-json",
    "node",
    "a trailing comma in config.json",
    Fault(
        "The checkout's configuration file is not valid JSON",
        "misconfiguration",
        "checkout",
        ("SyntaxError", "JSON"),
        (("json", "config", "syntax", "parse"),),
        ("crash", "bad_deployment", "code_defect"),
    ),
    criticality="critical",
)
def node_config(lab: Laboratory) -> None:
    broken = lab.write("config.json", '{"vat": 0.19,\n "currency": "EUR",\n}\n')
    for _ in range(2):
        lab.program("checkout", "checkout.js", "config", broken, 5).wait(60)


@CASES.case(
    "healthy-runtimes-restart",
    "go",
    "none (words like error and fail in payloads, a restart, 404 of a probe)",
)
def healthy(lab: Laboratory) -> None:
    listens = port(8340)
    url = f"http://127.0.0.1:{listens}/articles"
    application(lab, listens, "maps")
    courier(lab, "ask", url, 40).wait(60)
    lab.program("mailer", "mailer.rb", "http", url, 15).wait(60)
    courier(lab, "ask", f"http://127.0.0.1:{listens}/old/failover-error-codes", 15).wait(60)
    lab.program("checkout", "checkout.js", "ask", url, 15).wait(60)
