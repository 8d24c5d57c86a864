"""Mosquitto and a sensor gateway."""

import time
from pathlib import Path
from subprocess import Popen

from tests.faultlab.record.case import Cases, Fault
from tests.faultlab.record.laboratory import Laboratory, port, stop
from tests.faultlab.record.web import certificate

CASES = Cases()
PASSWORD = "boiler-9"


def configuration(lab: Laboratory, listens: int, more: str = "") -> Path:
    """mosquitto.conf with one user, sensor."""
    users = lab.write("users", "")
    lab.quiet("mosquitto_passwd", "-b", users, "sensor", PASSWORD)
    users.chmod(0o644)
    return lab.write(
        "mosquitto.conf",
        f"listener {listens} 127.0.0.1\npassword_file {users}\nlog_dest stdout\nlog_type all\n"
        f"log_timestamp_format %Y-%m-%dT%H:%M:%S\n{more}\n",
    )


def start(lab: Laboratory, conf: Path, ready: int | None) -> Popen[bytes]:
    """Start the broker."""
    return lab.start("mosquitto", ["mosquitto", "-c", conf], ready=ready)


def sensor(
    lab: Laboratory, listens: int, count: int, pause: float, password: str = PASSWORD, *more: object
) -> Popen[bytes]:
    """Start the sensor gateway."""
    return lab.program("sensor", "temperature.py", listens, count, pause, "sensor", password, *more)


@CASES.case(
    "mqtt-password-changed",
    "mosquitto",
    "the gateway has the old password",
    Fault(
        "The sensor gateway is rejected by the broker: not authorised, wrong password",
        "authentication",
        "sensor",
        ("not authorised",),
        (("authoris", "authoriz", "password", "credential", "authenticat"),),
        ("authorization", "misconfiguration"),
    ),
)
def password_changed(lab: Laboratory) -> None:
    listens = port(1883)
    start(lab, configuration(lab, listens), listens)
    sensor(lab, listens, 15, 0.05).wait(20)
    sensor(lab, listens, 8, 0.1, "boiler-8").wait(30)


@CASES.case(
    "mqtt-broker-option-unknown",
    "mosquitto",
    "an option of another version",
    Fault(
        "The broker does not start: unknown configuration variable",
        "misconfiguration",
        "mosquitto",
        ("Unknown configuration variable",),
        (("configuration", "variable", "option", "setting"),),
    ),
    criticality="critical",
)
def option_unknown(lab: Laboratory) -> None:
    listens = port(1883)
    running = start(lab, configuration(lab, listens), listens)
    sensor(lab, listens, 10, 0.05).wait(20)
    stop(running)
    conf = configuration(lab, listens, "max_conections 100")
    start(lab, conf, None).wait(10)
    sensor(lab, listens, 4, 0.1).wait(40)


@CASES.case(
    "mqtt-certificate-unknown-authority",
    "mosquitto",
    "the broker's certificate was renewed by another authority",
    Fault(
        "The gateway does not trust the broker's certificate: certificate verify failed",
        "tls_failure",
        "mosquitto",
        ("certificate verify failed",),
        (
            ("certificate", "tls", "ssl"),
            ("verif", "trust", "unknown ca", "self-signed", "self signed", "authority"),
        ),
        ("misconfiguration",),
    ),
)
def other_authority(lab: Laboratory) -> None:
    listens = port(8883)
    crt, key = certificate(lab, "broker")
    other, _ = certificate(lab, "authority")
    for file in (crt, key):
        file.chmod(0o644)
    start(lab, configuration(lab, listens, f"certfile {crt}\nkeyfile {key}"), listens)
    sensor(lab, listens, 5, 0.1, PASSWORD, other).wait(40)


@CASES.case(
    "mqtt-connections-limited",
    "mosquitto",
    "max_connections 2, four gateways",
    Fault(
        "The broker reached max_connections and turns a gateway away",
        "connections_exhausted",
        "mosquitto",
        ("max_connections exceeded",),
        (("connection",), ("max", "limit", "exceed", "too many")),
    ),
)
def limited(lab: Laboratory) -> None:
    listens = port(1883)
    start(lab, configuration(lab, listens, "max_connections 2"), listens)
    for number in range(4):
        name = f"gateway-{number}"
        app = lab.program(name, "temperature.py", listens, 14, 0.5, "sensor", PASSWORD)
        time.sleep(1)
    app.wait(60)


@CASES.case(
    "healthy-mqtt-reconnects", "mosquitto", "none (a gateway reconnects, the broker reloads)"
)
def healthy(lab: Laboratory) -> None:
    listens = port(1883)
    running = start(lab, configuration(lab, listens), listens)
    app = sensor(lab, listens, 30, 0.1)
    time.sleep(1)
    running.send_signal(1)
    app.wait(30)
    sensor(lab, listens, 20, 0.05).wait(20)
