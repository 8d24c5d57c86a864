"""What every page needs: the API, the viewer's clock, and honest words when something fails."""

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from functools import wraps
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st
from markupsafe import Markup

from interfaces.dashboard.client import ApiRefused, ApiUnreachable, Client
from interfaces.dashboard.launch import API_URL_VARIABLE
from interfaces.dashboard.markup import block, text

DEFAULT_API_URL = "http://127.0.0.1:8765"


def api_url() -> str:
    """Where the API is: from the command line, else the environment."""
    arguments = sys.argv[1:]
    if "--api-url" in arguments[:-1]:
        return arguments[arguments.index("--api-url") + 1]
    return os.environ.get(API_URL_VARIABLE, DEFAULT_API_URL)


@st.cache_resource
def client_for(url: str) -> Client:
    """One connection pool for all viewers."""
    return Client(url)


def api() -> Client:
    """The API."""
    return client_for(api_url())


def viewer_zone() -> tzinfo:
    """The viewer's time zone, UTC when the browser does not tell."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def html(*parts: Markup) -> None:
    """Show pieces of HTML."""
    st.html(block(*parts))


def notice(title: str, detail: str, css: str = "quiet") -> None:
    """A framed message whose words may be a stranger's."""
    html(
        Markup('<div class="card {}"><div class="lead">{}</div><p>{}</p></div>').format(
            css, text(title), text(detail)
        )
    )


def explained(page: Callable[[], None]) -> Callable[[], None]:
    """The page, with the API's failures shown as what was wrong and what to do."""

    @wraps(page)
    def shown() -> None:
        try:
            page()
        except ApiUnreachable as error:
            notice(
                "The API does not answer",
                f"Nothing answers at {error.url} ({error.reason}). Is 'aiops up' still running? "
                "Start it, then reload this page. Nothing recorded is lost.",
                "cause",
            )
            st.button("Try again", key=f"retry-{page.__name__}")
        except ApiRefused as error:
            notice(error.title, error.detail, "cause")

    return shown
