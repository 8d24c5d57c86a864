"""Makes thumbnails: MODE ARGUMENT COUNT PAUSE. What fails depends on the mode."""

import ctypes
import faulthandler
import logging
import os
import sqlite3
import sys
import threading
import time
from pathlib import Path

import requests

logging.basicConfig(
    level=logging.INFO,
    stream=sys.stdout,
    format="%(asctime)s.%(msecs)03d %(levelname).1s %(name)s] %(message)s",
    datefmt="%m%d %H:%M:%S",
)
log = logging.getLogger(os.environ.get("SERVICE", "thumbnailer"))
mode, argument, count, pause = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
waiting: list[threading.Thread] = []
kept: list[bytes] = []


def step(number: int) -> None:
    if mode == "write":
        Path(argument, f"{number}.jpg").write_bytes(b"\xff\xd8" * 4000)
    elif mode == "fetch":
        requests.get(argument, timeout=2).raise_for_status()
    elif mode == "sqlite":
        with sqlite3.connect(argument) as database:
            database.execute("create table if not exists images(id int, size int)")
            database.execute("insert into images values (?, 17)", (number,))
            database.execute("select sum(size) from images").fetchone()
    elif mode == "threads":
        thread = threading.Thread(target=time.sleep, args=(60,), daemon=True)
        thread.start()
        waiting.append(thread)
    elif mode == "memory":
        kept.append(os.urandom(1 << 20) * 6)
    elif mode == "segfault" and number > 10:
        ctypes.string_at(0)
    elif mode == "spin" and number > 10:
        while True:
            pass
    elif mode == "decode":
        Path(argument, f"{number % 5}.txt").read_text(encoding="utf-8")


def main() -> None:
    log.info("thumbnailer 0.9.2 started")
    if mode == "environment":
        argument_of = os.environ["THUMBNAIL_BUCKET"]
        log.info("bucket %s", argument_of)
    if mode == "import":
        import pillow_heif_fast  # noqa: F401
    for number in range(count):
        try:
            step(number)
            log.info("image %d done", number)
        except Exception:
            log.exception("image %d failed", number)
        time.sleep(pause)
    log.info("nothing left to do")


faulthandler.enable()
main()
