"""The `crew` engine: the four steps by CrewAI agents on any OpenAI-compatible endpoint."""
