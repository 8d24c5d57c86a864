"""Turning any error into one message and an exit code."""

import errno
import os
import traceback
from pathlib import Path
from typing import Any

FAILED, WRONG_USAGE, STOPPED = 1, 2, 130
_OURS = ("application", "domain", "infrastructure", "interfaces", "projections")


class InputUnusable(Exception):
    """Nothing of what was given could be read. The message says what and what to do."""


class WrongUsage(Exception):
    """The command was called with something it cannot mean."""


def message_of(error: Exception) -> tuple[int, str]:
    """Exit code and message. Set AIOPS_DEBUG=1 to see the traceback of an unexpected error."""
    import typer

    if isinstance(error, typer.Exit):
        return error.exit_code, ""
    if isinstance(error, typer.Abort):
        return STOPPED, "stopped"
    if hasattr(error, "format_message"):  # click's errors; typer carries a click of its own
        return WRONG_USAGE, _usage(error)
    if isinstance(error, WrongUsage):
        return WRONG_USAGE, f"aiops: {error}"
    if isinstance(error, OSError):
        return FAILED, f"aiops: {_system(error)}"
    if type(error).__module__.split(".", 1)[0] in _OURS:
        return FAILED, f"aiops: {error}"
    return FAILED, _unexpected(error)


def _usage(error: Any) -> str:
    context = getattr(error, "ctx", None)
    where = f"{context.command_path} --help" if context else "aiops --help"
    return f"aiops: {error.format_message().rstrip('.')}. Try '{where}'."


def _system(error: OSError) -> str:
    remedies = {
        errno.EACCES: "check owner and permissions",
        errno.ENOENT: "check the path",
        errno.ENOSPC: "free some space on that disk",
        errno.EROFS: "the file system is read-only: use another with --data DIR",
        errno.EADDRINUSE: "choose another port, or stop what listens there",
        errno.EMFILE: "raise the limit of open files (ulimit -n)",
    }
    where = f"{error.filename}: " if error.filename else ""
    remedy = remedies.get(error.errno or 0, "run 'aiops doctor' for a closer look")
    return f"{where}{error.strerror or error}; {remedy}"


def _unexpected(error: Exception) -> str:
    if os.environ.get("AIOPS_DEBUG"):
        return "".join(traceback.format_exception(error))
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"aiops: unexpected {type(error).__name__}: {error} "
        f"({Path(place.filename).name}:{place.lineno}); "
        "set AIOPS_DEBUG=1 to see where, and report it please"
    )
