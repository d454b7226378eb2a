from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crmkit.values.ids import new_id
from crmkit.values.tokens import Token, TokenKind, Tokens

TOKENS = Tokens("a secret of the settings")


@given(st.sampled_from(TokenKind))
def test_a_token_names_its_record_and_is_known_by_its_digest(kind: TokenKind) -> None:
    secret, digest = TOKENS.new()
    token = Token(kind, new_id(kind.prefix), secret)
    assert Token.read(str(token)) == token
    assert TOKENS.is_of(token, digest)
    assert not TOKENS.is_of(token, Tokens("another").digest(secret))
    assert not TOKENS.is_of(token, b"")


@given(st.text() | st.from_regex(r"crm[a-z]?_[0-9a-z]{20,30}_[0-9a-f]{40,50}"))
def test_whatever_else_is_said_is_no_token(text: str) -> None:
    found = Token.read(text)
    assert found is None or str(found) == text


def test_a_token_that_is_printed_by_the_way_keeps_its_secret() -> None:
    secret, _ = TOKENS.new()
    assert secret not in repr(Token(TokenKind.KEY, new_id("api_key"), secret))
