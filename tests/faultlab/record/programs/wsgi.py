"""A WSGI shop for gunicorn; /report sleeps."""

import time


def app(environ, start_response):
    if environ["PATH_INFO"] == "/report":
        time.sleep(30)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok\n"]
