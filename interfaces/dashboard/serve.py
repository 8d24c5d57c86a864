"""The dashboard's process: loads what its pages need before the first visitor waits for it.

`python -m interfaces.dashboard.serve ARGUMENTS...` is `streamlit run ARGUMENTS...`.
"""

import importlib
import sys

_PAGES_NEED = (
    "pandas",
    "streamlit.elements.vega_charts",
    "interfaces.dashboard.incident_page",
    "interfaces.dashboard.incidents_page",
    "interfaces.dashboard.overview_page",
    "interfaces.dashboard.search_page",
)


def preload() -> None:
    """Import all that pages need, and draw a chart: Altair builds its schemas at the first one."""
    for name in _PAGES_NEED:
        importlib.import_module(name)
    from datetime import UTC

    from interfaces.dashboard import charts

    for chart in charts.rates([], [], UTC):
        chart.to_dict()


def main() -> None:
    """Load, then serve."""
    preload()
    from streamlit.web import cli

    sys.argv = ["streamlit", "run", *sys.argv[1:]]
    cli.main()


if __name__ == "__main__":
    main()
