"""A small shop over HTTP behind a proxy: PORT. Its answers can be slow or large, as asked."""

import logging
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

logging.basicConfig(
    level=logging.INFO,
    stream=sys.stdout,
    format="[%(asctime)s] [%(process)d] [%(levelname)s] %(message)s",
)
log = logging.getLogger(os.environ["SERVICE"])
SLOW = float(os.environ.get("SLOW", "0"))


class Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/report"):
            log.info("report asked for, querying the archive")
            time.sleep(SLOW)
        found = not self.path.startswith(("/favicon", "/old"))
        body = b'{"articles": 12}\n' if found else b"not found\n"
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.do_GET()

    def log_message(self, form: str, *arguments: object) -> None:
        log.info(form, *arguments)


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Shop)
log.info("listening on 127.0.0.1:%s", sys.argv[1])
server.serve_forever()
