"""Reads a catalogue through SQLAlchemy's pool from several threads: URL THREADS TIMES SLEEP."""

import logging
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import create_engine, text

logging.basicConfig(
    level=logging.INFO,
    stream=sys.stdout,
    format="%(asctime)s | %(levelname)s | %(threadName)s | %(message)s",
)
log = logging.getLogger(os.environ["SERVICE"])
url, threads, times, sleep = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
engine = create_engine(url, pool_size=2, max_overflow=1, pool_timeout=1)


def read(number: int) -> None:
    try:
        with engine.connect() as connection:
            connection.execute(text("select count(*) from bookings"))
            connection.execute(text(f"select pg_sleep({sleep})"))
        log.info("page %d rendered", number)
    except Exception:
        log.exception("page %d could not be rendered", number)


with ThreadPoolExecutor(1) as calm:
    list(calm.map(read, range(12)))
with ThreadPoolExecutor(threads) as crowd:
    list(crowd.map(read, range(100, 100 + times)))
time.sleep(0.1)
