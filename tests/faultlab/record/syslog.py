"""A syslog daemon of one's own, for servers that speak to nothing else."""

from tests.faultlab.record.laboratory import Laboratory, port, wait_until


def collect(lab: Laboratory, service: str, *, dev_log: bool = False) -> int:
    """Keep what arrives in this service's log, in syslog's file format. Returns its UDP port."""
    listens = port(5140)
    path = lab.log(service)
    unix = (
        'module(load="imuxsock" SysSock.Use="on" SysSock.UsePIDFromSystem="off")' if dev_log else ""
    )
    conf = lab.write(
        "rsyslog.conf",
        f"""global(processInternalMessages="on" workDirectory="{lab.folder}" localHostname="edge-3")
module(load="imudp")
{unix}
input(type="imudp" address="127.0.0.1" port="{listens}")
*.* action(type="omfile" file="{path}" fileOwner="root" fileCreateMode="0644"
 template="RSYSLOG_TraditionalFileFormat")
""",
    )
    lab.start("rsyslog-own", ["rsyslogd", "-n", "-f", conf, "-i", f"{lab.folder}/rsyslog.pid"])
    lab.forget("rsyslog-own")
    wait_until(lambda: "rsyslogd" in path.read_text(), "syslog runs", 10)
    return listens
