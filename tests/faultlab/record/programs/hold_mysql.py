"""A report that opens connections and forgets them: PORT PASSWORD HOW_MANY SECONDS [STATEMENT]."""

import sys
import time

import pymysql

port, password, many, seconds = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
held = []
for _ in range(many):
    connection = pymysql.connect(
        host="127.0.0.1", port=port, user="report", password=password, database="shop"
    )
    held.append(connection)
    if len(sys.argv) > 5:
        connection.begin()
        connection.cursor().execute(sys.argv[5])
time.sleep(seconds)
