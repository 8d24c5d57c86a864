"""Settings: `AIOPS_*` in the environment, `.env`, `aiops.toml`, in this order of strength."""

import os
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


def default_data_directory() -> Path:
    """`$XDG_DATA_HOME/aiops`, usually `~/.local/share/aiops`."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "aiops"


class WrongSettings(Exception):
    """A setting cannot be used; names it, its value's problem and what to do."""


class Settings(BaseSettings):
    """Everything that can be set. `aiops doctor` prints what is in force."""

    model_config = SettingsConfigDict(
        env_prefix="AIOPS_", env_file=".env", toml_file="aiops.toml", extra="ignore"
    )

    data: Path = Field(default_factory=default_data_directory)
    """Directory of the store, the read models and your own rules."""
    engine: str = Field(default="", pattern="^(knowledge|crew|)$")
    """`knowledge` or `crew`; not set: `crew` where a model is set, otherwise `knowledge`."""
    model: str = ""
    """Provider and model for the crew engine, for example `ollama/qwen3:8b`."""
    model_base_url: str = ""
    """Where the model answers, up to and with `/v1`; not set: the provider's own address."""
    model_api_key: SecretStr = SecretStr("")
    """Key of the model's provider; not needed for a model on this machine."""
    limit_context: float = Field(default=30.0, gt=0)
    """Seconds the context step may take, retries included."""
    limit_diagnosis: float = Field(default=60.0, gt=0)
    """Seconds the diagnosis step may take, retries included."""
    limit_fix: float = Field(default=90.0, gt=0)
    """Seconds the fix step may take, retries included."""
    limit_report: float = Field(default=30.0, gt=0)
    """Seconds the report step may take, retries included."""
    limit_run: float = Field(default=300.0, gt=0)
    """Seconds a whole investigation may ask a model; then the knowledge engine goes on alone."""
    smtp_url: SecretStr = SecretStr("")
    """Mail server, for example `smtp+starttls://user:password@mail.example.org:587`."""
    mail_to: str = ""
    """Addresses, separated by commas."""
    host: str = "127.0.0.1"
    """Address the API and the dashboard listen on. There is no login: keep it local."""
    allowed_hosts: str = ""
    """Names besides the loopback ones under which browsers may reach us, separated by commas."""
    port: int = Field(default=8600, ge=0, le=65535)
    """Port of the API; 0 takes any free one."""
    dashboard_port: int = Field(default=8601, ge=0, le=65535)
    """Port of the dashboard; 0 takes any free one."""
    syslog: str = ""
    """Addresses to take syslog on, separated by commas: `udp://127.0.0.1:5514,tcp://...,tls://...`.
    """
    syslog_certificate: Path | None = None
    """PEM file that proves us to senders over `tls://`, with the chain."""
    syslog_key: Path | None = None
    """PEM file of its key, where that is not in the same file."""
    settle: float = Field(default=2.0, ge=0)
    """Seconds an incident may gather evidence before it is investigated."""

    @property
    def engine_in_force(self) -> str:
        """The engine asked for; `crew` where a model is configured, otherwise `knowledge`."""
        return self.engine or ("crew" if self.model else "knowledge")

    @property
    def host_names(self) -> list[str]:
        """The address listened on and the names allowed besides it."""
        named = [name.strip() for name in self.allowed_hosts.split(",") if name.strip()]
        return [self.host, *named]

    @property
    def recipients(self) -> list[str]:
        """Mail addresses."""
        return [address.strip() for address in self.mail_to.split(",") if address.strip()]

    @property
    def syslog_addresses(self) -> list[str]:
        """Where syslog is taken."""
        return [address.strip() for address in self.syslog.split(",") if address.strip()]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Stronger sources first."""
        toml = TomlConfigSettingsSource(settings_cls)
        return init_settings, env_settings, dotenv_settings, toml


def load_settings(**given: Any) -> Settings:
    """The settings in force; `given` (None left out) is the strongest source.

    Raises WrongSettings naming each setting that cannot be used.
    """
    try:
        return Settings(**{k: v for k, v in given.items() if v is not None})
    except ValidationError as error:
        told = "; ".join(
            f"AIOPS_{'_'.join(str(p) for p in e['loc']).upper()}: {e['msg']}"
            for e in error.errors()
        )
        raise WrongSettings(f"wrong settings: {told}; correct them and start again") from error
    except ValueError as error:  # a TOML file that cannot be parsed
        raise WrongSettings(f"aiops.toml cannot be read: {error}; correct it") from error
