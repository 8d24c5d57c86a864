"""Which model to ask, where, and within which limits."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from domain.investigations.investigation import Step

STEP_LIMITS: Mapping[Step, float] = {
    Step.CONTEXT: 30.0,
    Step.DIAGNOSIS: 60.0,
    Step.FIX: 90.0,
    Step.REPORT: 30.0,
}
"""Seconds each step may take, its retries included (DESIGN section 3)."""

# Providers that speak the OpenAI chat-completions protocol themselves: no translating library.
_ENDPOINTS: Mapping[str, str] = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com/v1",
    "gemini": "https://generativelanguage.googleapis.com/v1beta/openai",
    "groq": "https://api.groq.com/openai/v1",
    "mistral": "https://api.mistral.ai/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "deepseek": "https://api.deepseek.com/v1",
    "ollama": "http://localhost:11434/v1",
    "ollama_chat": "http://localhost:11434/v1",
    "lm_studio": "http://localhost:1234/v1",
}
_NEEDS_BASE_URL = frozenset({"hosted_vllm", "vllm", "llamacpp", "llamafile", "azure"})


class ModelSettings(BaseModel):
    """A model in LiteLLM's manner of naming (`ollama/qwen3`, `openai/gpt-5`), and its limits."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    model: str
    base_url: str | None = None
    """Where it answers, up to and with `/v1`; None: the provider's own address."""
    api_key: SecretStr | None = None
    storage: Path
    """Folder of ours for what CrewAI writes."""
    limits: dict[Step, float] = Field(default_factory=lambda: dict(STEP_LIMITS))
    """Seconds a step may take, retries included."""
    tries: int = Field(default=3, ge=1, le=10)
    first_wait: float = Field(default=0.5, gt=0)
    """Seconds before the second try; doubles after that, with jitter."""
    breaker_failures: int = Field(default=5, ge=1)
    """Consecutive failed calls that open the circuit."""
    breaker_seconds: float = Field(default=60.0, gt=0)
    """Seconds the circuit stays open before one call may try again."""
    max_answer_tokens: int = Field(default=4_096, ge=64)
    prompt_characters: int = Field(default=12_000, ge=1_000)
    """How much log text one prompt may hold; about 4 characters are a token."""
    language: str = "en"
    usd_per_million_input_tokens: float = Field(default=0.0, ge=0)
    usd_per_million_output_tokens: float = Field(default=0.0, ge=0)

    @property
    def endpoint(self) -> str:
        """The address calls go to, without a slash at its end; empty where unknown."""
        return (self.base_url or _ENDPOINTS.get(self._provider, "")).rstrip("/")

    @property
    def model_name(self) -> str:
        """What the endpoint calls the model: the name without the provider in front."""
        if self._provider in _ENDPOINTS or self._provider in _NEEDS_BASE_URL:
            return self.model.partition("/")[2]
        return self.model

    @property
    def is_local(self) -> bool:
        """Whether calls stay on this machine."""
        return _is_loopback(urlsplit(self.endpoint).hostname or "")

    @property
    def _provider(self) -> str:
        provider, slash, _ = self.model.partition("/")
        return provider.lower() if slash else ""


def model_settings_problem(settings: ModelSettings) -> str | None:
    """Why no model can be asked with these settings and what to do; None when it can be tried."""
    if not settings.model.strip() or not settings.model_name.strip():
        return (
            f"The model name {settings.model!r} is incomplete; "
            "write provider and model, for example 'ollama/qwen3:8b'."
        )
    if problem := _address_problem(settings):
        return problem
    missing = [step for step in Step if settings.limits.get(step, 0) <= 0]
    if missing:
        return f"The time limit of the step {missing[0]!s} must be more than 0 seconds."
    return _storage_problem(settings.storage)


def _address_problem(settings: ModelSettings) -> str | None:
    if not settings.endpoint:
        return (
            f"It is not known where the model {settings.model!r} answers; set its base URL, "
            "for example 'http://localhost:8000/v1'."
        )
    parts = urlsplit(settings.endpoint)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return (
            f"The base URL {settings.endpoint!r} is not a web address "
            "like 'http://localhost:8000/v1'."
        )
    if settings.base_url is None and not settings.is_local and settings.api_key is None:
        return f"The model {settings.model!r} at {parts.hostname} needs an API key; set one."
    if settings.api_key and parts.scheme == "http" and not _is_private(parts.hostname):
        return f"The API key would travel unencrypted to {parts.hostname}; use an https base URL."
    return None


def _storage_problem(storage: Path) -> str | None:
    try:
        storage.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return f"The folder {storage} for the agents' files cannot be made: {error.strerror}."
    return None


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_private(host: str) -> bool:
    """Addresses of one's own network, and names without a dot or under .local, .internal, .lan."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.rsplit(".", 1)[-1] in {"local", "internal", "lan"}
