"""The pages by name, and links to them that can be shared."""

from typing import Any

import streamlit as st

from interfaces.dashboard.wording import plain

PLACES: dict[str, Any] = {}
"""Filled by app.py before a page runs."""


def link(place: str, label: str, **params: str) -> None:
    """A link to a page; the label may be a stranger's text."""
    st.page_link(PLACES[place], label=plain(label), query_params=params)


def incident_link(incident_id: str, title: str, **params: str) -> None:
    """A link to an incident's page."""
    link("incident", title, id=incident_id, **params)
