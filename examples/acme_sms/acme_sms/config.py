"""What a company sets in `[plugins.acme_sms]`."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, model_validator

from crmkit import sdk


class SmsConfig(BaseModel):
    """The provider that carries the messages; without one nothing is sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: HttpUrl | None = None
    """Where the provider takes messages."""
    token: SecretStr | None = None
    """What it knows us by; better said as CRMKIT_PLUGINS__ACME_SMS__TOKEN than in the file."""
    timeout: float = Field(default=10.0, gt=0, le=20)
    """Seconds that it may take to answer."""
    channel: str = "text"
    """The key of the channel over which interactions are recorded."""

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.url is None) != (self.token is None):
            raise ValueError("a provider needs both url and token")
        return self


Context = sdk.Context[SmsConfig]
