"""Fixtures that several of the integration tests use, each defined beside what it starts."""

from tests.integration.api_server import api, system
from tests.integration.crew_scenes import _crewai_imported, notebook
from tests.integration.mail_servers import inbox, serve

__all__ = ["_crewai_imported", "api", "inbox", "notebook", "serve", "system"]
