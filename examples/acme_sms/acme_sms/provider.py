"""The provider of text messages, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2

from acme_sms.errors import ProviderAway, Rejected

if TYPE_CHECKING:
    from acme_sms.config import SmsConfig

# It has read the message and will not send it, however often it is asked. Any other answer
# can be its fault or that of our settings, and is no reason to give up the message.
_REJECTS = {400, 413, 422}


async def send(config: SmsConfig, number: str, text: str, *, key: str) -> str:
    """Hands over a message and returns what the provider calls it.

    Of messages with one key the provider sends one, so a message can be handed over again
    by whoever does not know whether that has happened.

    Raises:
        Rejected: The provider will never send it.
        ProviderAway: It did not take it; it may the next time.
    """
    answer = await _asked(config, {"to": number, "text": text}, key)
    if answer.status_code in _REJECTS:
        raise Rejected(f"The provider answered {answer.status_code}: {answer.text[:200]}")
    if not answer.is_success:
        raise ProviderAway(f"The provider answered {answer.status_code}.")
    return _id_in(answer)


async def _asked(config: SmsConfig, message: dict[str, str], key: str) -> httpx2.Response:
    if config.url is None or config.token is None:
        raise ProviderAway("No provider is set any more.")
    headers = {
        "Authorization": f"Bearer {config.token.get_secret_value()}",
        "Idempotency-Key": key,
    }
    try:
        async with httpx2.AsyncClient(timeout=config.timeout) as client:
            return await client.post(str(config.url), json=message, headers=headers)
    except httpx2.HTTPError as error:
        raise ProviderAway(f"The provider cannot be reached: {type(error).__name__}.") from error


def _id_in(answer: httpx2.Response) -> str:
    try:
        said: Any = answer.json()
        return str(said["id"])
    except (ValueError, KeyError, TypeError) as error:
        raise ProviderAway("The provider's answer names no id.") from error
