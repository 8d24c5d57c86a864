"""A child process that does not outlive its parent, however the parent ends.

`python -m infrastructure.child_process COMMAND...` asks the kernel for a SIGTERM at the parent's
death and then becomes the command. The request is made in the child itself, because code between
fork and exec is not safe in a program with threads.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""


def bound_to_parent(command: Sequence[str]) -> list[str]:
    """The command, wrapped so that it ends with its parent (on Linux; elsewhere unchanged)."""
    if not sys.platform.startswith("linux"):
        return list(command)
    return [sys.executable, "-m", "infrastructure.child_process", str(os.getpid()), *command]


def main() -> None:
    """Bind this process to its parent, then become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(0)
    os.execv(command[0], command)  # noqa: S606 - a command of ours, no shell


if __name__ == "__main__":
    main()
