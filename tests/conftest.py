"""What every test may use: the packaged catalogue, loaded once."""

import pytest

from domain.knowledge.knowledge_base import KnowledgeBase
from infrastructure.knowledge_files import load_knowledge


@pytest.fixture(scope="session")
def knowledge() -> KnowledgeBase:
    return load_knowledge()
