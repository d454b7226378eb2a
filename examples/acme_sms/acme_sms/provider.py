"""The provider of text messages, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acme_sms.errors import ProviderAway, Rejected
from crmkit import sdk

if TYPE_CHECKING:
    from acme_sms.config import Context

# It has read the message and will not send it, however often it is asked. Any other answer
# can be its fault or that of our settings, and is no reason to give up the message.
_REJECTS = {400, 413, 422}
_UNKNOWN = 404


async def send(context: Context, number: str, text: str, *, key: str) -> str:
    """Hands over a message and returns what the provider calls it.

    Of messages with one key the provider sends one, so a message can be handed over again
    by whoever does not know whether that has happened.

    Raises:
        Rejected: The provider will never send it.
        ProviderAway: It did not take it; it may the next time.
    """
    answer = await _asked(context, "POST", message={"to": number, "text": text}, key=key)
    if answer.status in _REJECTS:
        raise Rejected(f"The provider answered {answer.status}: {answer.text[:200]}")
    if not answer.is_success:
        raise ProviderAway(f"The provider answered {answer.status}.")
    return _said(answer, "id")


async def became(context: Context, key: str) -> str | None:
    """What became of the message with this key; nothing where it knows none.

    Raises:
        ProviderAway: It did not say; it may the next time.
    """
    answer = await _asked(context, "GET", f"/{key}")
    if answer.status == _UNKNOWN:
        return None
    if not answer.is_success:
        raise ProviderAway(f"The provider answered {answer.status}.")
    return _said(answer, "state")


async def _asked(
    context: Context,
    method: str,
    path: str = "",
    message: dict[str, str] | None = None,
    key: str = "",
) -> sdk.HttpAnswer:
    config = context.config
    if config.url is None or config.token is None:
        raise ProviderAway("No provider is set any more.")
    headers = {"Authorization": f"Bearer {config.token.get_secret_value()}"}
    if key:
        headers["Idempotency-Key"] = key
    url = f"{config.url}{path}"
    try:
        return await context.http.request(
            method, url, json=message, headers=headers, seconds=config.timeout
        )
    except sdk.HttpError as error:
        raise ProviderAway(f"The provider cannot be reached: {error}") from error


def _said(answer: sdk.HttpAnswer, name: str) -> str:
    try:
        said: Any = answer.json()
        return str(said[name])
    except (ValueError, KeyError, TypeError) as error:
        raise ProviderAway(f"The provider's answer names no {name}.") from error
