"""Keeps sessions in Redis: PORT COUNT PAUSE. A new connection a session; key=value lines."""

import os
import sys
import time

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry


def say(level: str, message: str, **facts: object) -> None:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    more = "".join(f' {name}="{value}"' for name, value in facts.items())
    line = f'time={stamp} level={level} app={os.environ["SERVICE"]} msg="{message}"{more}'
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


port, count, pause = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
say("info", "session service ready", store=f"127.0.0.1:{port}")
kept = []
for number in range(count):
    try:
        client = redis.Redis(port=port, socket_timeout=3, protocol=2, retry=Retry(NoBackoff(), 0))
        client.set(f"session:{number}", "x" * 200, ex=600)
        say("info", "session saved", session=5000 + number)
        if os.environ.get("LEAK"):
            kept.append(client)
        else:
            client.close()
    except redis.RedisError as error:
        say(
            "error",
            "session not saved",
            session=5000 + number,
            error=f"{type(error).__name__}: {error}",
        )
    time.sleep(pause)
