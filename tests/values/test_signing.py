from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.values.signing import Signer, TokenExpired, TokenUnknown

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOON = NOW + timedelta(days=1)
SIGNER = Signer("secret")


def verified(
    token: str, *, signer: Signer = SIGNER, purpose: str = "a.b", now: datetime = NOW
) -> str:
    return signer.verify(token, purpose=purpose, now=now, field="token")


@given(st.text(), st.text(alphabet="abc.", min_size=1))
def test_a_token_brings_back_its_text_in_letters_that_links_hold(text: str, purpose: str) -> None:
    token = SIGNER.sign(text, purpose=purpose, until=SOON)
    assert verified(token, purpose=purpose) == text
    assert token.isascii()
    assert token.replace("-", "").replace("_", "").isalnum()


@given(st.text())
def test_what_nobody_signed_is_unknown(token: str) -> None:
    with pytest.raises(TokenUnknown):
        verified(token)


def test_a_token_is_good_for_one_purpose_one_secret_and_until_its_moment() -> None:
    token = SIGNER.sign("x", purpose="a.b", until=SOON)
    with pytest.raises(TokenUnknown):
        verified(token, purpose="a.c")
    with pytest.raises(TokenUnknown):
        verified(token, signer=Signer("other"))
    assert verified(token, now=SOON - timedelta(seconds=1)) == "x"
    with pytest.raises(TokenExpired):
        verified(token, now=SOON)
