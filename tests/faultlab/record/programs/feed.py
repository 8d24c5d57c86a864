"""Publishes a feed to NATS: URL COUNT SIZE."""

import asyncio
import logging
import os
import sys

import nats
import nats.errors

logging.basicConfig(
    level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(name)s %(message)s"
)
log = logging.getLogger(os.environ["SERVICE"])


async def complain(error: Exception) -> None:
    log.error("nats: %s: %s", type(error).__name__, error)


async def main() -> None:
    url, count, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    log.info("feed started")
    for number in range(count):
        try:
            connection = await nats.connect(
                url, allow_reconnect=False, connect_timeout=2, error_cb=complain
            )
            await connection.publish("feed.prices", b"p" * size)
            await connection.flush(2)
            log.info("message %d sent", number)
            await connection.close()
        except (nats.errors.Error, OSError) as error:
            log.error("message %d not sent: %s: %s", number, type(error).__name__, error)
        await asyncio.sleep(0.15)


asyncio.run(main())
