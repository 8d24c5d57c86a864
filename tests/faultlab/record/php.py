"""PHP behind nginx over FastCGI, and on its own."""

import time
from threading import Thread

from tests.faultlab.record.case import Cases, Fault
from tests.faultlab.record.laboratory import Laboratory, port
from tests.faultlab.record.nginx import configuration
from tests.faultlab.record.nginx import start as start_nginx
from tests.faultlab.record.web import visit

CASES = Cases()
INDEX = """<?php
require __DIR__ . '/lib/prices.php';
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
switch ($path) {
  case '/export': export_all(); break;
  case '/slow': sleep(3); break;
  case '/customer': customer(7); break;
  default: echo "<p>" . price(12) . "</p>\\n";
}
"""
PRICES = """<?php
function price(int $article): string { return number_format($article * 1.19, 2); }
function export_all(): void {
  $rows = [];
  for ($i = 0; ; $i++) { $rows[] = str_repeat("row $i;", 2000); }
}
function customer(int $id): void {
  $db = new PDO('mysql:host=127.0.0.1;port=PORT;dbname=shop', 'shop', 'kestrel-4711');
  echo $db->query("select $id")->fetchColumn();
}
"""


def site(lab: Laboratory, children: int = 3, memory: str = "16M", database: int = 3306) -> int:
    """Start PHP-FPM and nginx; nginx's port."""
    front, fpm = port(8080), port(9000)
    root = lab.place("site")
    (root / "lib").mkdir()
    (root / "index.php").write_text(INDEX)
    (root / "lib" / "prices.php").write_text(PRICES.replace("PORT", str(database)))
    conf = lab.write(
        "php-fpm.conf",
        f"""[global]
error_log = {lab.log("php-fpm")}
daemonize = no
log_level = notice
[www]
user = www-data
group = www-data
listen = 127.0.0.1:{fpm}
pm = static
pm.max_children = {children}
catch_workers_output = yes
php_admin_value[memory_limit] = {memory}
php_admin_flag[log_errors] = on
php_admin_value[error_log] = {lab.log("php")}
""",
    )
    lab.start("php-fpm", ["php-fpm8.2", "-F", "-y", conf], ready=fpm)
    locations = (
        f"location / {{ include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_FILENAME "
        f"{root}/index.php;"
        f" fastcgi_pass 127.0.0.1:{fpm}; fastcgi_read_timeout 2s; }}"
    )
    start_nginx(lab, configuration(lab, front, locations), front)
    return front


@CASES.case(
    "php-memory-limit",
    "php",
    "an export gathers everything under memory_limit 16M",
    Fault(
        "The export exceeds PHP's memory_limit: Allowed memory size exhausted",
        "memory_exhausted",
        "php",
        ("Allowed memory size of",),
        (("memory",), ("exhaust", "limit", "exceed", "out of")),
        ("crash",),
    ),
)
def memory_limit(lab: Laboratory) -> None:
    front = site(lab)
    visit(front, 24, ("/", "/articles", "/cart"))
    visit(front, 24, ("/export", "/articles"), pause=0.1)


@CASES.case(
    "php-function-undefined-after-deploy",
    "php",
    "a release calls a function that it does not ship",
    Fault(
        "The new release calls an undefined function: PHP Fatal error",
        "code_defect",
        "php",
        ("Call to undefined function net_price()",),
        (("undefined function", "net_price"),),
        ("bad_deployment", "crash"),
    ),
    criticality="critical",
)
def undefined_function(lab: Laboratory) -> None:
    front = site(lab)
    visit(front, 24, ("/", "/articles", "/cart"))
    (lab.folder / "site" / "lib" / "prices.php").write_text(
        PRICES.replace("number_format($article * 1.19, 2)", "net_price($article)")
    )
    visit(front, 24, ("/", "/articles", "/cart"), pause=0.2)


@CASES.case(
    "php-fpm-children-busy",
    "php",
    "2 children, every visitor waits 3 s",
    Fault(
        "All PHP-FPM children are busy with slow requests, nginx times out waiting for them",
        "timeout",
        "php-fpm",
        ("upstream timed out",),
        (
            ("php", "fpm", "upstream", "children", "fastcgi"),
            ("time", "slow", "busy", "max_children", "exhaust"),
        ),
        ("connections_exhausted", "dependency_down"),
    ),
)
def children_busy(lab: Laboratory) -> None:
    front = site(lab, children=2)
    visit(front, 24, ("/", "/articles", "/cart"))
    crowd = [Thread(target=visit, args=(front, 3, ("/slow", "/cart"), 0.1)) for _ in range(7)]
    for visitor in crowd:
        visitor.start()
    for visitor in crowd:
        visitor.join()


@CASES.case(
    "php-database-refused",
    "php",
    "no database listens",
    Fault(
        "PHP cannot reach its database: SQLSTATE[HY000] [2002] Connection refused",
        "connection_refused",
        "php",
        ("SQLSTATE[HY000] [2002] Connection refused",),
        (
            ("database", "mysql", "pdo", "3306", "33"),
            ("refused", "down", "not running", "unreachable"),
        ),
        ("dependency_down",),
    ),
)
def database_refused(lab: Laboratory) -> None:
    front = site(lab, database=33061)
    visit(front, 20, ("/", "/articles", "/cart"))
    visit(front, 24, ("/customer", "/articles"), pause=0.1)


@CASES.case(
    "healthy-php-notices",
    "php",
    "none (deprecations, warnings, a slow page that arrives, worker recycling)",
)
def notices(lab: Laboratory) -> None:
    front = site(lab)
    lib = lab.folder / "site" / "lib" / "prices.php"
    lib.write_text(
        PRICES.replace(
            "return number", "$x = utf8_encode('a'); $y = [1][3] ?? 0; strlen(null); return number"
        )
    )
    time.sleep(2.2)
    visit(front, 40, ("/", "/articles", "/favicon.ico"))
