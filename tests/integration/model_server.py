"""A real HTTP server that speaks the OpenAI chat-completions protocol and answers by a script.

Each request takes the next scripted reply; the last one repeats. A reply is a function that gets
the handler and the request's JSON, so that it can also drip, hang, or break off.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = Callable[["Handler", dict[str, Any]], None]


class ModelServer:
    """What was asked, and where."""

    def __init__(self, replies: list[Reply]) -> None:
        self.replies = replies
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.released = threading.Event()
        """Set when the test is over: hanging replies end."""
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.model = self  # type: ignore[attr-defined]

    @property
    def url(self) -> str:
        """The base URL, with /v1."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._http.server_address[1])

    def next_reply(self, request: dict[str, Any], headers: dict[str, str]) -> Reply:
        """The reply for this request."""
        with self._lock:
            self.requests.append(request)
            self.headers.append(headers)
            return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def start(self) -> None:
        """Listen in a thread."""
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Let hanging replies go and stop listening."""
        self.released.set()
        self._http.shutdown()
        self._http.server_close()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    @property
    def model(self) -> ModelServer:
        """The server it belongs to."""
        model: ModelServer = self.server.model  # type: ignore[attr-defined]
        return model

    def do_POST(self) -> None:
        """Read the request whole, then let the script answer."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        try:
            if self.path != "/v1/chat/completions":
                self.send(404, json.dumps({"error": f"no route {self.path}"}))
                return
            self.model.next_reply(body, {k.lower(): v for k, v in self.headers.items()})(self, body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client cancelled; that is what some tests are about

    def send(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        """A whole response."""
        data = text.encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Quiet."""


@contextmanager
def serving(*replies: Reply) -> Iterator[ModelServer]:
    """A server with this script."""
    server = ModelServer(list(replies))
    server.start()
    try:
        yield server
    finally:
        server.stop()


def completion(text: str, **message: Any) -> str:
    """The body of a chat completion."""
    return json.dumps(
        {
            "id": "c",
            "object": "chat.completion",
            "model": "scripted",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": text, **message},
                }
            ],
            "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
        }
    )


def says(answer: dict[str, Any] | str) -> Reply:
    """A good HTTP answer whose text is this."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return lambda handler, _: handler.send(200, completion(text))


def calls_tool(name: str, arguments: dict[str, Any]) -> Reply:
    """An answer that asks for a tool."""
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": name, "arguments": json.dumps(arguments)},
    }
    return lambda handler, _: handler.send(200, completion("", tool_calls=[call]))


def refuses(status: int, text: str = "no", **headers: str) -> Reply:
    """An HTTP error. Headers with _ for -."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, _: handler.send(status, json.dumps({"error": {"message": text}}), sent)


def hangs(handler: Handler, _: dict[str, Any]) -> None:
    """Never answers."""
    handler.model.released.wait(60)
    handler.close_connection = True


def drips(handler: Handler, _: dict[str, Any]) -> None:
    """Sends a good head, then a byte now and then: no single read ever waits for long."""
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", "100000")
    handler.end_headers()
    ends = time.monotonic() + 60
    while time.monotonic() < ends and not handler.model.released.wait(0.1):
        handler.wfile.write(b" ")
        handler.wfile.flush()
    handler.close_connection = True


def drips_its_head(handler: Handler, _: dict[str, Any]) -> None:
    """Like `drips`, but before the head is complete."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
    while not handler.model.released.wait(0.1):
        handler.wfile.write(b"a")
        handler.wfile.flush()
    handler.close_connection = True


def breaks_off(handler: Handler, _: dict[str, Any]) -> None:
    """Announces a long body, sends half of one, and closes."""
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", "100000")
    handler.end_headers()
    handler.wfile.write(completion("{").encode()[:60])
    handler.wfile.flush()
    handler.close_connection = True
