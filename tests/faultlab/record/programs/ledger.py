"""Books in PostgreSQL: DSN COUNT PAUSE [STATEMENT]. A new connection a booking."""

import logging
import os
import sys
import time

import psycopg

logging.basicConfig(
    level=logging.INFO, stream=sys.stdout, format="%(levelname)s %(asctime)s [%(name)s] %(message)s"
)
log = logging.getLogger(os.environ["SERVICE"])
dsn, count, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
statement = (
    sys.argv[4]
    if len(sys.argv) > 4
    else "insert into bookings(account, amount, memo) values (%(n)s, 12.5, %(memo)s)"
)
memo = "m" * int(os.environ.get("MEMO", "10"))
log.info("ledger %s starts booking", os.environ.get("RELEASE", "1.12.0"))
for number in range(3000, 3000 + count):
    try:
        with psycopg.connect(dsn, connect_timeout=4) as connection:
            connection.execute(statement, {"n": number, "memo": memo})
        log.info("booking %d done", number)
    except psycopg.Error as error:
        log.error("booking %d failed: %s: %s", number, type(error).__name__, str(error).strip())
    time.sleep(pause)
