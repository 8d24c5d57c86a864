"""Caches prices in memcached: PORT COUNT PAUSE SIZE."""

import logging
import os
import sys
import time

from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheError

logging.basicConfig(
    level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(name)s %(levelname)s %(message)s"
)
log = logging.getLogger(os.environ["SERVICE"])
port, count, pause, size = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
log.info("price service started, cache at 127.0.0.1:%d", port)
kept = []
for number in range(count):
    client = Client(("127.0.0.1", port), connect_timeout=1, timeout=1)
    try:
        client.set(f"price:{number}", "x" * size, noreply=False)
        log.info("price %d cached", number)
    except (MemcacheError, OSError) as error:
        log.error("price %d not cached: %s: %s", number, type(error).__name__, error)
    if os.environ.get("LEAK"):
        kept.append(client)
    else:
        client.close()
    time.sleep(pause)
