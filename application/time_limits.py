"""Waiting for somebody else's code no longer than it may take."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import TypeVar

Result = TypeVar("Result")


class TimeLimitExceeded(Exception):
    """It took longer than it may. `thread` still runs: Python cannot stop it, only disown it."""

    def __init__(self, seconds: float, thread: threading.Thread) -> None:
        super().__init__(f"no answer within {seconds:g} s")
        self.thread = thread


def within(seconds: float, call: Callable[[], Result]) -> Result:
    """What `call` returns or raises, from a thread of its own. Raises TimeLimitExceeded."""
    outcome: Future[Result] = Future()
    context = copy_context()

    def work() -> None:
        try:
            outcome.set_result(context.run(call))
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            outcome.set_exception(error)

    thread = threading.Thread(target=work, name="engine", daemon=True)
    thread.start()
    thread.join(max(seconds, 0.0))
    if not outcome.done():
        raise TimeLimitExceeded(seconds, thread)
    return outcome.result()
