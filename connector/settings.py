"""Every setting of the dispatcher's side, read once at the front door and passed down as plain arguments.

Sources, the first one wins: `RAPIDSTART_*` in the environment, then `rapidstart.toml` in RAPIDSTART_HOME, then the default.
"""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from connector.rights import Role
from connector.wire import routes


def default_home() -> Path:
    """Where this computer's state lies when RAPIDSTART_HOME is not set."""
    if os.name == "nt":
        return Path(os.environ.get("PROGRAMDATA", r"C:\ProgramData")) / "RapidStart Connector"
    return Path.home() / ".rapidstart"


def settings_file() -> Path:
    """The file that settings may stand in; it need not exist."""
    return Path(os.environ.get("RAPIDSTART_HOME") or default_home()) / "rapidstart.toml"


def _broker(url: str | None) -> str | None:
    return url and routes.broker_url(url)


class Settings(BaseSettings):
    """Settings of dispatcher, CLI, Flower and demo."""

    model_config = SettingsConfigDict(env_prefix="RAPIDSTART_", extra="ignore")

    home: Annotated[
        Path, Field(description="Folder of the ledger, the packages and the embedded broker.", default_factory=default_home)
    ]
    broker_url: Annotated[
        str | None, AfterValidator(_broker), Field(repr=False, description="Redis or Valkey. Not set: the embedded broker.")
    ] = None
    worker_broker_url: Annotated[
        str | None,
        AfterValidator(_broker),
        Field(repr=False, description="Where workers that register are told that the broker is. Not set: RAPIDSTART_BROKER_URL."),
    ] = None
    ledger_url: Annotated[str | None, Field(repr=False, description="SQLAlchemy URL. Not set: SQLite in RAPIDSTART_HOME.")] = None
    api_url: Annotated[str, Field(description="Where the dispatcher's API is, for the dispatcher and its clients.")] = (
        "http://127.0.0.1:8480"
    )
    token: Annotated[
        str | None,
        Field(
            repr=False, description="The API token of commands. Not set: the file, else the one of this computer's dispatcher."
        ),
    ] = None
    token_file: Annotated[Path | None, Field(description="A file that holds the API token of commands.")] = None
    ca_file: Annotated[
        Path | None,
        Field(description="Authority (PEM) of the dispatcher's certificate, for commands. Not set: the usual ones."),
    ] = None
    tls_certificate: Annotated[
        Path | None,
        Field(description="Certificate (PEM, with its chain) that the dispatcher and Flower show; they then speak https."),
    ] = None
    tls_key: Annotated[Path | None, Field(description="Its key (PEM, no passphrase), where that has a file of its own.")] = None
    allow_plain_http: Annotated[
        bool,
        Field(
            description="Whether dispatcher and Flower may listen beyond this computer without TLS: what is secret can be read."
        ),
    ] = False
    broker_certificate: Annotated[
        Path | None,
        Field(description="Certificate (PEM) that the broker shows, where this computer has it: its end is told as a metric."),
    ] = None
    trusted_proxy: Annotated[
        str | None, Field(description="Addresses of proxies, with commas, whose X-Forwarded-For and -Proto are believed.")
    ] = None
    oidc_issuer: Annotated[
        str | None, Field(description="The identity provider (OpenID Connect) by which people sign in, as it calls itself.")
    ] = None
    oidc_client_id: Annotated[str, Field(description="What the identity provider calls this dispatcher.")] = "rapidstart"
    oidc_client_secret_file: Annotated[
        Path | None, Field(description="A file with the secret that the identity provider has given to this dispatcher.")
    ] = None
    oidc_name_claim: Annotated[str, Field(description="The claim that holds somebody's name.")] = "preferred_username"
    oidc_role_claim: Annotated[str, Field(description="The claim that says what somebody may do.")] = "roles"
    oidc_roles: Annotated[
        dict[str, Role], Field(description='Which of its values means what, as JSON: {"Rapid admins": "administrator"}.')
    ] = {role.value: role for role in Role}
    oidc_instance_claim: Annotated[
        str | None, Field(description="The claim that names somebody's service instances. Not set: all of them.")
    ] = None
    listen: Annotated[str | None, Field(description="HOST:PORT to listen on, where it differs from RAPIDSTART_API_URL.")] = None
    endpoint: Annotated[str | None, Field(description="The endpoint that commands mean when none is named.")] = None
    batch_rows: Annotated[int, Field(ge=1, le=5000, description="Rows per batch, nested rows not counted.")] = 200
    call_timeout_s: Annotated[float, Field(gt=0, description="The longest that one call to an AOS may take, in seconds.")] = 120.0
    lease_s: Annotated[
        float, Field(ge=3, description="A batch of a worker that was silent for this long is sent again, in seconds.")
    ] = 15.0
    takeover_s: Annotated[
        float,
        Field(ge=1, description="A leading dispatcher that was silent for this long is replaced by another one, in seconds."),
    ] = 5.0
    retry_pause_s: Annotated[
        float,
        Field(gt=0, description="First pause before an AOS that did not answer is tried again, in seconds; it grows from there."),
    ] = 5.0
    aos_patience_s: Annotated[
        float,
        Field(gt=0, description="An AOS that was silent for this long is given up: its endpoint is stopped, in seconds."),
    ] = 86400.0
    expires_in_s: Annotated[
        float | None,
        Field(gt=0, description="A load ends of which no worker took anything for so long, in seconds. Not set: it waits."),
    ] = None
    keep_days: Annotated[
        int | None,
        Field(ge=1, le=36500, description="Rows of a job are removed so many days after its end. Not set: they are kept."),
    ] = None
    sealed_only: Annotated[
        bool, Field(description="Send nothing to endpoints that are not sealed: those that have no machine's key.")
    ] = False
    webhook_url: Annotated[
        str | None, Field(repr=False, description="Who is told of jobs that ended and of trouble: an https address.")
    ] = None
    webhook_secret_file: Annotated[
        Path | None, Field(description="A file with the secret by which the webhook knows who tells it.")
    ] = None
    log: Annotated[Literal["text", "json"], Field(description="How the dispatcher and Flower log: text, or json.")] = "text"
    otlp_url: Annotated[
        str | None,
        Field(
            pattern="^https?://", description="Where traces go: a collector that takes OTLP over HTTP, as http://collector:4318."
        ),
    ] = None
    flower_address: Annotated[
        str, Field(description="Address that Flower listens on. It has no login: keep it on this computer, or behind a proxy.")
    ] = "127.0.0.1"
    flower_url: Annotated[
        str | None,
        Field(pattern="^https?://", description="Where people find Flower: pages then link to its workers and tasks."),
    ] = None
    max_package_mb: Annotated[int, Field(ge=1, description="The largest package that is accepted, in MB.")] = 2048
    max_package_files: Annotated[int, Field(ge=1, description="The most files in a zip.")] = 5000
    max_inflated_mb: Annotated[int, Field(ge=1, description="What the files of a zip may inflate to together, in MB.")] = 4000
    max_ratio: Annotated[int, Field(ge=10, description="How much longer a file of a zip may be than it is in the zip.")] = 200
    max_columns: Annotated[int, Field(ge=1, description="The most columns of a table.")] = 16_384
    max_record_mb: Annotated[int, Field(ge=1, le=100, description="The longest record of a file, in MB.")] = 8

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over file over default."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, settings_file())


def origins() -> dict[str, str]:
    """Where each setting has its value from: `environment`, the settings file, or `default`."""
    from_environment = EnvSettingsSource(Settings)()
    from_file = TomlConfigSettingsSource(Settings, settings_file())()
    found = dict.fromkeys(Settings.model_fields, "default")
    found |= dict.fromkeys(from_file.keys() & found.keys(), str(settings_file()))
    return found | dict.fromkeys(from_environment.keys() & found.keys(), "environment")
