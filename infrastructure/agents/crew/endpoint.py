"""One call of a chat-completions endpoint: bounded in time and size, cancelled when time is up.

httpx bounds each read, not the whole call: a server that drips one byte a second holds it for
ever. Here the call is an asyncio task with one deadline over name look-up, connection, headers
and body; when it passes, the task is cancelled and its connection closed.
"""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from infrastructure.agents.crew.settings import ModelSettings

_ANSWER_BYTES_AT_MOST = 4 * 1024 * 1024
_EXTRAS_REFUSED = frozenset({400, 404, 415, 422, 501})
"""Statuses with which servers refuse `tools` or `response_format` they do not know."""


@dataclass(frozen=True)
class Answer:
    """What the model said, or which tools it wants."""

    text: str
    tool_calls: list[dict[str, Any]]
    input_tokens: int
    output_tokens: int
    seconds: float
    raw: str
    """The body as it came."""


class CallFailed(Exception):
    """The endpoint gave no answer. `reason` is a sentence's worth for people and events."""

    def __init__(
        self,
        reason: str,
        *,
        raw: str = "",
        seconds: float = 0.0,
        retry_after: float | None = None,
        final: bool = False,
        extras_refused: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.raw = raw
        self.seconds = seconds
        self.retry_after = retry_after
        self.final = final
        """Another try cannot help: the key is wrong, the model does not exist."""
        self.extras_refused = extras_refused


@dataclass
class ChatEndpoint:
    """The endpoint of one model. Remembers when it refuses tools or JSON mode."""

    settings: ModelSettings
    plain: bool = field(default=False, init=False)
    """True once the endpoint refused a request with tools or JSON mode: then without."""

    def ask(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]],
        deadline: float,
    ) -> Answer:
        """Send the messages and wait until `deadline` (of `time.monotonic`). Raises CallFailed."""
        started = time.monotonic()
        extras = not self.plain
        body = self._body(messages, tools if extras else (), extras)
        try:
            status, headers, raw = _run(self._post(body), deadline - started)
        except (TimeoutError, httpx.TimeoutException):
            seconds = time.monotonic() - started
            raise CallFailed(
                f"{self.settings.endpoint} did not finish its answer within {seconds:.0f} s",
                seconds=seconds,
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise CallFailed(
                f"{self.settings.endpoint} could not be reached: {error or type(error).__name__}",
                seconds=time.monotonic() - started,
            ) from None
        seconds = time.monotonic() - started
        if status != httpx.codes.OK:
            failure = _refusal(self.settings.endpoint, status, headers, raw, seconds, extras)
            self.plain = self.plain or failure.extras_refused
            raise failure
        return _answer(raw, seconds)

    def _body(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]],
        extras: bool,
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.settings.model_name,
            "messages": list(messages),
            "temperature": 0,
            "max_tokens": self.settings.max_answer_tokens,
        }
        if tools:
            body["tools"] = list(tools)
        elif extras:
            # Together with tools some servers answer in JSON instead of calling one.
            body["response_format"] = {"type": "json_object"}
        return body

    async def _post(self, body: dict[str, Any]) -> tuple[int, httpx.Headers, str]:
        headers = {"accept": "application/json"}
        if self.settings.api_key:
            headers["authorization"] = f"Bearer {self.settings.api_key.get_secret_value()}"
        # A proxy of the environment is the user's wish, but never for this very machine. A
        # redirect is not followed: it would carry log text to a place nobody configured.
        # No timeout of its own: one deadline stands over the whole call.
        async with (
            httpx.AsyncClient(timeout=None, trust_env=not self.settings.is_local) as client,  # noqa: S113
            client.stream(
                "POST", f"{self.settings.endpoint}/chat/completions", json=body, headers=headers
            ) as response,
        ):
            received = bytearray()
            async for part in response.aiter_bytes():
                received += part
                if len(received) > _ANSWER_BYTES_AT_MOST:
                    raise httpx.HTTPError("its answer is larger than 4 MiB")
            return response.status_code, response.headers, received.decode("utf-8", "replace")


def _run(call: Any, seconds: float) -> tuple[int, httpx.Headers, str]:
    """Run to the end or cancel. Closing an own loop does not wait for a hanging name look-up."""
    if seconds <= 0:
        call.close()
        raise TimeoutError
    loop = asyncio.new_event_loop()
    try:
        result: tuple[int, httpx.Headers, str] = loop.run_until_complete(
            asyncio.wait_for(call, seconds)
        )
        return result
    finally:
        loop.close()


def _refusal(
    endpoint: str, status: int, headers: httpx.Headers, raw: str, seconds: float, extras: bool
) -> CallFailed:
    said = " ".join(raw.split())[:200]
    refused = extras and status in _EXTRAS_REFUSED
    return CallFailed(
        f"{endpoint} answered with status {status}" + (f": {said}" if said else ""),
        raw=raw,
        seconds=seconds,
        retry_after=_retry_after(headers.get("retry-after", "")),
        final=status < 500 and status not in {408, 409, 425, 429} and not refused,
        extras_refused=refused,
    )


def _retry_after(value: str) -> float | None:
    """Seconds to wait, from either form of RFC 9110 section 10.2.3."""
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _answer(raw: str, seconds: float) -> Answer:
    try:
        body = json.loads(raw)
        message = body["choices"][0]["message"]
        text = message.get("content") or ""
        calls = [call for call in message.get("tool_calls") or [] if isinstance(call, dict)]
        if not isinstance(text, str):
            text = "".join(str(part.get("text", "")) for part in text)
        usage = body.get("usage") or {}
        return Answer(
            text=text,
            tool_calls=[call for call in calls if "function" in call],
            input_tokens=int(usage.get("prompt_tokens") or 0),
            output_tokens=int(usage.get("completion_tokens") or 0),
            seconds=seconds,
            raw=raw,
        )
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise CallFailed(
            f"the answer is no chat completion: {error!r:.120}", raw=raw, seconds=seconds
        ) from None
