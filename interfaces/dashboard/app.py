"""The dashboard: `streamlit run` starts here (see launch.py)."""

import streamlit as st

from interfaces.dashboard.incident_page import incident_page
from interfaces.dashboard.incidents_page import incidents_page
from interfaces.dashboard.markup import STYLE
from interfaces.dashboard.overview_page import overview_page
from interfaces.dashboard.places import PLACES
from interfaces.dashboard.search_page import search_page

# A picture of our own: Streamlit fetches Material icons for the browser's tab from the network.
_ICON = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>"
    "<rect width='16' height='16' rx='3' fill='#0063A6'/>"
    "<path d='M2 9h3l2-5 3 8 1.5-3H14' fill='none' stroke='#fff' stroke-width='1.6'/></svg>"
)

st.set_page_config(page_title="AI Ops Copilot", page_icon=_ICON, layout="wide")
st.html(STYLE)
PLACES.update(
    overview=st.Page(
        overview_page, title="Overview", icon=":material/monitor_heart:", default=True
    ),
    incidents=st.Page(
        incidents_page, title="Incidents", icon=":material/warning:", url_path="incidents"
    ),
    incident=st.Page(
        incident_page,
        title="Incident",
        url_path="incident",
        visibility="hidden",
    ),
    search=st.Page(search_page, title="Search", icon=":material/search:", url_path="search"),
)
st.navigation(list(PLACES.values()), position="top").run()
