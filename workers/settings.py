"""Every setting of a worker, read once at the front door and passed down as plain arguments.

Sources, the first one wins: `RAPIDSTART_*` in the environment, then `worker.toml` in the endpoint's folder
(`RAPIDSTART_HOME/endpoints/<endpoint>`), then `worker.toml` in RAPIDSTART_HOME, then the default.
"""

import codecs
import json
import os
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from connector.wire import routes
from workers import keeping
from workers.errors import GiveUp

#: The file of settings, in the home folder and in each endpoint's.
FILE: Final = "worker.toml"


def folder_of(home: Path, endpoint: str) -> Path:
    """Where settings, keys, policy and log of an endpoint lie; there need not be such a folder."""
    return home / "endpoints" / endpoint.lower()


def default_home() -> Path:
    """Where this computer's state lies when RAPIDSTART_HOME is not set."""
    if os.name == "nt":
        return Path(os.environ.get("PROGRAMDATA", r"C:\ProgramData")) / "RapidStart Connector"
    return Path.home() / ".rapidstart"


def _encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise ValueError(f"{name!r} is no code page that is known here; try utf-8, utf-16 or cp1252") from None


def _broker(url: str | None) -> str | None:
    return url and routes.broker_url(url)


class FilePortSettings(BaseModel):
    """An integration port with AIF's file system adapter."""

    model_config = ConfigDict(extra="forbid")

    inbound: Path
    """the folder that the port reads"""
    outbound: Path | None = None
    """the folder that it answers in"""
    on_error: Literal["continue", "halt", "rollback"] = "continue"
    """what the port does with the rest of a batch when one of its messages fails"""
    answer_within_s: Annotated[float, Field(ge=0)] = 3600.0


class DixfSettings(BaseModel):
    """The Data Import/Export Framework: its shared directory and its source data format, as they are set up in AX."""

    model_config = ConfigDict(extra="forbid")

    directory: Path
    results: Path | None = None
    """where the customer's batch job writes result files; not set: none are read"""
    answer_within_s: Annotated[float, Field(ge=0)] = 3600.0
    column_delimiter: str = ","
    row_delimiter: str = "\r\n"
    text_qualifier: str = '"'
    header: bool = True
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8"
    decimal_separator: str = "."
    date_format: str = "%Y-%m-%d"
    multi_value_delimiter: str = ";"
    chart_of_accounts_delimiter: str = "-"


class Settings(BaseSettings):
    """Settings of a worker process."""

    model_config = SettingsConfigDict(env_prefix="RAPIDSTART_", extra="ignore")

    home: Annotated[
        Path, Field(description="Folder in which a broker on this computer leaves its address, and contracts of ports are kept.")
    ] = default_home()
    broker_url: Annotated[
        str | None,
        AfterValidator(_broker),
        Field(repr=False, description="Redis or Valkey. Not set: the embedded one of this computer."),
    ] = None
    api_url: Annotated[str | None, Field(description="Where the dispatcher's API is, for rapidstart-worker register.")] = None
    endpoint: Annotated[str | None, Field(description="The endpoint that the worker belongs to.")] = None
    instance: Annotated[
        str | None, Field(description="The name of its AOS instance, which names its service. Not set: the endpoint's.")
    ] = None
    concurrency: Annotated[int, Field(ge=1, le=64, description="Calls to the AOS at once.")] = 4
    max_workers: Annotated[
        int, Field(ge=0, le=64, description="Worker processes that a worker service may run on this computer, per endpoint.")
    ] = 4
    grace_s: Annotated[
        float,
        Field(ge=0, description="How long calls in hand are waited for when a worker is told to stop, in seconds."),
    ] = 120.0
    log: Annotated[Literal["text", "json"], Field(description="How the worker logs: text, or json.")] = "text"
    otlp_url: Annotated[
        str | None,
        Field(
            pattern="^https?://", description="Where traces go: a collector that takes OTLP over HTTP, as http://collector:4318."
        ),
    ] = None
    aos_authentication: Annotated[
        Literal["none", "windows", "ntlm", "basic"],
        Field(
            description="How the worker shows who it is: none (simulated AOS), windows (Negotiate, else NTLM), ntlm, or basic."
        ),
    ] = "none"
    aos_user: Annotated[
        str | None,
        Field(description=r"The account, as DOMAIN\user. Not set, for windows and ntlm: the one that the worker runs under."),
    ] = None
    aos_basic_over_http: Annotated[
        bool, Field(description="Basic may show the password over http, where everybody on the way can read it.")
    ] = False
    aos_password: Annotated[SecretStr | None, Field(description="Its password; better by RAPIDSTART_AOS_PASSWORD_FILE.")] = None
    aos_password_file: Annotated[Path | None, Field(description="A file that holds the password.")] = None
    aos_origins: Annotated[
        str, Field(description="Addresses that may see the credentials, separated by spaces, as http://aos01:80.")
    ] = ""
    aos_target_name: Annotated[
        Literal["auto", "spn", "upn", "ntlm"],
        Field(
            description="The AOS' name for Kerberos on net.tcp: spn (host/<computer>), upn (the account in its contract), ntlm "
            "(none), or auto, which tries them in this order."
        ),
    ] = "auto"
    aos_query_service: Annotated[
        bool,
        Field(
            description="Over net.tcp: ask the query service of the AOS which rows stand as they are, and for AX's exception log."
        ),
    ] = True
    aos_ca_file: Annotated[str | None, Field(description="Certificates that an HTTPS address is checked against.")] = None

    policy_file: Annotated[
        Path | None,
        Field(
            description="What orders may do on this computer. Not set: policy.toml in the endpoint's folder, where there is one."
        ),
    ] = None

    aif_files: Annotated[
        dict[str, FilePortSettings],
        Field(description="File ports by name: inbound, outbound, on_error, answer_within_s (see the operator's book)."),
    ] = {}
    dixf: Annotated[
        DixfSettings | None,
        Field(description="Data import/export framework: directory, results, and its format (see the operator's book)."),
    ] = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over the endpoint's file over this computer's file over default; what a command says goes before all."""
        said: dict[str, Any] = init_settings() | {}
        home = Path(said.get("home") or os.environ.get("RAPIDSTART_HOME") or default_home())
        computer = TomlConfigSettingsSource(settings_cls, home / FILE)
        endpoint = said.get("endpoint") or os.environ.get("RAPIDSTART_ENDPOINT") or computer.toml_data.get("endpoint")
        if not (isinstance(endpoint, str) and routes.ENDPOINT_NAME.fullmatch(endpoint)):
            return init_settings, env_settings, computer
        own = TomlConfigSettingsSource(settings_cls, folder_of(home, endpoint) / FILE)
        return init_settings, env_settings, own, computer

    def folder_of(self, endpoint: str) -> Path:
        """Where keys and policy of an endpoint lie on this computer; there need not be one."""
        return folder_of(self.home, endpoint)

    def broker(self) -> str:
        """The broker's URL, with this computer's own login where it was registered for the endpoint.

        Raises GiveUp where none is named and none was started on this computer.
        """
        if self.endpoint and (mine := keeping.login(self.folder_of(self.endpoint))):
            return mine
        if self.broker_url:
            return self.broker_url
        try:
            url = json.loads((self.home / routes.BROKER_FILE).read_text(encoding="utf-8"))["url"]
        except (OSError, ValueError, KeyError):
            raise GiveUp(
                "no broker is named, and no dispatcher has started one on this computer.",
                advice="Register this computer: rapidstart-worker register. Or set RAPIDSTART_BROKER_URL to the dispatcher's "
                "Redis or Valkey, or RAPIDSTART_HOME to its home.",
            ) from None
        return str(url)

    def password(self) -> str | None:
        """The AOS account's password, from its file where one is named. Raises GiveUp."""
        if self.aos_password_file:
            try:
                return self.aos_password_file.read_text(encoding="utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                raise GiveUp(
                    "the file of the AOS password cannot be read.", advice="Check RAPIDSTART_AOS_PASSWORD_FILE."
                ) from error
        return self.aos_password.get_secret_value() if self.aos_password else None
