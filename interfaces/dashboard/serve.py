"""The dashboard's process: loads what its pages need before the first visitor waits for it.

`python -m interfaces.dashboard.serve ARGUMENTS...` is `streamlit run ARGUMENTS...`.
"""

import importlib
import sys

_PAGES_NEED = ("altair", "pandas", "streamlit.elements.vega_charts", "interfaces.dashboard.client")


def main() -> None:
    """Load, then serve."""
    for name in _PAGES_NEED:
        importlib.import_module(name)
    from streamlit.web import cli

    sys.argv = ["streamlit", "run", *sys.argv[1:]]
    cli.main()


if __name__ == "__main__":
    main()
