"""Places orders in MySQL: PORT PASSWORD COUNT PAUSE [TABLE]. A new connection an order."""

import logging
import os
import random
import sys
import time

import pymysql

logging.basicConfig(
    level=logging.INFO,
    stream=sys.stdout,
    format="%(asctime)s %(levelname)-8s %(name)s: %(message)s",
)
log = logging.getLogger(os.environ["SERVICE"])


def place(port: int, password: str, table: str, number: int) -> None:
    connection = pymysql.connect(
        host="127.0.0.1",
        port=port,
        user="shop",
        password=password,
        database="shop",
        connect_timeout=3,
        read_timeout=8,
        autocommit=False,
    )
    with connection, connection.cursor() as cursor:
        total = random.randint(500, 9900) / 100
        cursor.execute(
            f"insert into {table}(customer, total, note) values (%s, %s, %s)",
            (random.randint(100, 999), total, os.environ.get("NOTE", "-")),
        )
        cursor.execute("update stock set amount = amount - 1 where id = 1")
        connection.commit()
        log.info("order %d stored, total %.2f", number, total)


def main() -> None:
    port, password, count, pause = (
        int(sys.argv[1]),
        sys.argv[2],
        int(sys.argv[3]),
        float(sys.argv[4]),
    )
    table = sys.argv[5] if len(sys.argv) > 5 else "orders"
    log.info(
        "version %s up, storing orders in 127.0.0.1:%d/shop",
        os.environ.get("RELEASE", "2.8.1"),
        port,
    )
    for number in range(71000, 71000 + count):
        try:
            place(port, password, table, number)
        except pymysql.MySQLError:
            log.exception("order %d lost", number)
        time.sleep(pause)


main()
