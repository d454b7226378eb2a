"""`crmkit.toml` and `CRMKIT_*` as one frozen object; a variable wins over the file."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from crmkit.values.custom_fields import CustomField, check_names
from crmkit.values.errors import SetupError
from crmkit.values.money import is_currency
from crmkit.values.regional import is_locale, is_zone

_PREFIX = "CRMKIT_"
RENAME = "rename"
"""The option of every plugin's section that is not the plugin's own."""

_DEVELOPMENT_SECRET = SecretStr("development-secret")


def load_settings(path: Path | None = None, **overrides: Any) -> Settings:
    """Reads the file, then the environment, then what the caller says."""
    file = path or Path(os.environ.get(f"{_PREFIX}CONFIG", "crmkit.toml"))
    written = _read(file, required=file != Path("crmkit.toml"))
    try:
        return Settings(**_merged(written, _environment(), overrides))
    except ValidationError as error:
        # Its text repeats the values, and one of them may be the secret.
        raise SetupError(_sentence(file, error)) from None


def _zone(name: str) -> str:
    if not is_zone(name):
        raise ValueError(f"{name!r} is no time zone such as Europe/Berlin")
    return name


def _locale(name: str) -> str:
    if not is_locale(name):
        raise ValueError(f"{name!r} is no locale such as de or zh-CN")
    return name


def _currency(code: str) -> str:
    if not is_currency(code):
        raise ValueError(f"{code!r} is no ISO 4217 code such as EUR")
    return code


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseSettings(_Section):
    """Where the rows are and how many connections lead there."""

    url: str = "sqlite:///crmkit.db"
    replica_url: str | None = None
    pool_size: int = Field(default=10, ge=1)
    readers: int = Field(default=4, ge=1)
    statement_seconds: float = Field(default=9, gt=0)
    connect_seconds: float = Field(default=5, gt=0)


class Organisation(_Section):
    """The one organisation whose database this is."""

    name: str = "Our company"
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    locale: Annotated[str, AfterValidator(_locale)] = "en"
    currency: Annotated[str, AfterValidator(_currency)] = "EUR"
    phone_region: str = Field(default="DE", pattern="^[A-Z]{2}$")


def _keyed(said: Any) -> Any:
    """Definitions by their keys, each of which learns its own."""
    if not isinstance(said, Mapping):
        return said
    return {
        key: {**each, "key": key} if isinstance(each, Mapping) else each
        for key, each in said.items()
    }


class FieldSettings(_Section):
    """The fields that the organisation adds to its records."""

    customer: Annotated[dict[str, CustomField], BeforeValidator(_keyed)] = {}

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        check_names(self.of_customers)
        return self

    @property
    def of_customers(self) -> tuple[CustomField, ...]:
        return tuple(self.customer.values())


class ServerSettings(_Section):
    """Where the endpoint listens."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    origins: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ("127.0.0.1",)
    body_seconds: float = Field(default=15, gt=0)
    drain_seconds: float | None = Field(default=None, ge=0)


class Limits(_Section):
    """How much one operation may ask for; what is refused says which of these it is."""

    bytes: int = Field(default=32 * 1024, ge=1)
    tokens: int = Field(default=2000, ge=1)
    depth: int = Field(default=15, ge=1)
    aliases: int = Field(default=30, ge=0)
    directives: int = Field(default=50, ge=0)
    fields: int = Field(default=2000, ge=1)
    overlaps: int = Field(default=5000, ge=1)
    introspection: int = Field(default=100_000, ge=1)
    cost: int = Field(default=10_000, ge=0)


class LiveSettings(_Section):
    """How long and how much a client that stays connected may take."""

    init_seconds: float = Field(default=10, gt=0)
    subscriptions: int = Field(default=100, ge=1)
    waiting: int = Field(default=1000, ge=1)
    heartbeat_seconds: float = Field(default=12, gt=0)


class GraphQLSettings(_Section):
    """What the endpoint answers."""

    introspection: bool | None = None
    documents: Literal["off", "enforce"] = "off"
    manifest: Path | None = None
    operation_seconds: float = Field(default=10, gt=0)
    limits: Limits = Limits()
    live: LiveSettings = LiveSettings()

    @model_validator(mode="after")
    def _something_to_enforce(self) -> Self:
        if self.documents == "enforce" and self.manifest is None:
            raise ValueError('graphql.documents = "enforce" needs graphql.manifest')
        return self


def _secure(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError(f"{url!r} is no https address, so anybody could answer for it")
    return url.rstrip("/")


class OidcSettings(_Section):
    """The identity provider whose bearer tokens let users in."""

    issuer: Annotated[str, AfterValidator(_secure)]
    audience: str
    keys: Annotated[str, AfterValidator(_secure)] | None = None
    algorithms: tuple[Literal["RS256", "PS256", "ES256", "ES384", "EdDSA"], ...] = (
        "RS256",
        "ES256",
    )
    leeway_seconds: int = Field(default=30, ge=0)
    timeout_seconds: float = Field(default=5, gt=0)
    create_users: bool = False
    roles: tuple[str, ...] = ()


class AccessSettings(_Section):
    """Who may come in, and how."""

    developer: bool = True
    session_hours: float = Field(default=12, gt=0)
    invitation_hours: float = Field(default=72, gt=0)
    link: str = ""
    tries_per_minute: int = Field(default=5, ge=1)
    points_per_minute: int = Field(default=1_000_000, ge=1)
    public_points_per_minute: int = Field(default=60_000, ge=1)
    oidc: OidcSettings | None = None


class WorkerSettings(_Section):
    """Who brings events to their handlers and does jobs, and how patient they are."""

    inside: bool = True
    at_once: int = Field(default=4, ge=1)
    lease_seconds: float = Field(default=30, gt=0)
    backoff_seconds: float = Field(default=5, gt=0)
    keep_days: float = Field(default=7, gt=0)


class HttpSettings(_Section):
    """Whom plugins may ask over HTTP: everybody in the public internet, at these ports.

    What lies in `allow_networks` they may ask as well, at any port: an intranet, or a
    service on this machine.
    """

    allow_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    ports: tuple[int, ...] = (80, 443)
    seconds: float = Field(default=20, gt=0)
    answer_bytes: int = Field(default=1024 * 1024, ge=1)


class TelemetrySettings(_Section):
    """Who is told of each request besides the log; both want the extra `telemetry`."""

    metrics: bool = False
    traces: bool = False


class PluginSettings(BaseModel):
    """Which plugins are loaded, and the raw section of each."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, dict[str, Any]] = Field(init=False)

    enabled: tuple[str, ...] | None = None

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Names the sections without what they say: which of it is secret, their plugins know."""
        yield "enabled", self.enabled
        yield "sections", sorted(self.__pydantic_extra__)

    def section(self, name: str) -> Mapping[str, Any]:
        """The options of a plugin, which its own model reads."""
        said = self.__pydantic_extra__.get(name, {})
        return MappingProxyType({key: each for key, each in said.items() if key != RENAME})

    def renames(self, name: str) -> Any:
        """What the operator calls fields that a plugin adds."""
        return self.__pydantic_extra__.get(name, {}).get(RENAME, {})


class Settings(BaseSettings):
    """Everything an operator can say; made by hand it reads no file and no variable."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=_PREFIX,
        env_nested_delimiter="__",
    )

    profile: Literal["development", "production"] = "development"
    secret: SecretStr = _DEVELOPMENT_SECRET
    safe_mode: bool = False
    database: DatabaseSettings = DatabaseSettings()
    organisation: Organisation = Organisation()
    fields: FieldSettings = FieldSettings()
    server: ServerSettings = ServerSettings()
    graphql: GraphQLSettings = GraphQLSettings()
    access: AccessSettings = AccessSettings()
    http: HttpSettings = HttpSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    worker: WorkerSettings = WorkerSettings()
    plugins: PluginSettings = PluginSettings()

    @model_validator(mode="after")
    def _own_secret_in_production(self) -> Self:
        if self.profile == "production" and self.secret == _DEVELOPMENT_SECRET:
            raise ValueError(f"production needs a secret of its own: set {_PREFIX}SECRET")
        return self

    @property
    def introspection(self) -> bool:
        """Whether everybody may ask what the schema is; in production only if that is said."""
        said = self.graphql.introspection
        return self.profile == "development" if said is None else said

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leaves the reading to `load_settings`, whose errors name file or variable."""
        return (init_settings,)


def _read(file: Path, *, required: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise SetupError(f"There is no {file}.") from None
        return {}
    except (OSError, ValueError) as error:
        raise SetupError(f"{file} cannot be read: {error}.") from None


def _environment() -> dict[str, Any]:
    for name in os.environ:
        section, nested, _ = name.upper().removeprefix(_PREFIX).partition("__")
        known = section.lower() in Settings.model_fields
        if nested and name.upper().startswith(_PREFIX) and not known:
            raise SetupError(f"{name} names no section of the settings.")
    try:
        return EnvSettingsSource(Settings)()
    except SettingsError as error:
        raise SetupError(f"A {_PREFIX}* variable is not valid JSON: {error}.") from None


def _merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Lays one over the other, section by section; the last wins."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            below = merged.get(key)
            if isinstance(below, Mapping) and isinstance(value, Mapping):
                merged[key] = _merged(below, value)
            else:
                merged[key] = value
    return merged


def _sentence(file: Path, error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    message = first["msg"].removeprefix("Value error, ")
    keys = [str(key) for key in first["loc"]]
    variable = _PREFIX + "__".join(keys).upper()
    if variable in map(str.upper, os.environ):
        return f"{variable} cannot be used: {message}."
    if not keys:
        return f"The settings cannot be used: {message}."
    return f"{'.'.join(keys)} in {file} cannot be used: {message}."
