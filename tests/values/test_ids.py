from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.values.ids import is_id, new_id, prefix_of

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
PREFIXES = st.from_regex("[a-z]([a-z_]{0,20}[a-z])?", fullmatch=True)


def uuid_of(id: str) -> UUID:
    number = 0
    for letter in id[-26:]:
        number = number << 5 | ALPHABET.index(letter)
    return UUID(int=number)


def many(_: int) -> list[str]:
    return [new_id("order") for _ in range(5_000)]


def test_an_id_is_a_uuid_of_version_7_made_now() -> None:
    made = uuid_of(new_id("customer"))
    assert (made.version, made.variant) == (7, RFC_4122)
    assert abs((made.int >> 80) - time.time() * 1000) < 5_000


def test_ids_of_many_threads_grow_and_never_repeat() -> None:
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(many, range(8)))
    assert all(batch == sorted(batch) for batch in batches)
    assert len(set(chain(*batches))) == 40_000


def test_ids_grow_although_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = new_id("order")
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert new_id("order") > before


@given(PREFIXES)
def test_an_id_tells_its_prefix(prefix: str) -> None:
    made = new_id(prefix)
    assert len(made) == len(prefix) + 27
    assert prefix_of(made) == prefix
    assert is_id(made, prefix)


def test_the_published_example_is_an_id() -> None:
    assert is_id("loyalty_entry_01h455vb4pex5vsknk084sn02q", "loyalty_entry")
    assert not is_id("loyalty_entry_01h455vb4pex5vsknk084sn02q", "entry")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "customer",
        "01h455vb4pex5vsknk084sn02q",
        "_01h455vb4pex5vsknk084sn02q",
        "customer_81h455vb4pex5vsknk084sn02q",
        "customer_01h455vb4pex5vsknk084sn02u",
        "customer_01h455vb4pex5vsknk084sn02",
        "customer_01h455vb4pex5vsknk084sn02q\n",
        "Customer_01h455vb4pex5vsknk084sn02q",
    ],
)
def test_what_is_no_id_has_no_prefix(text: str) -> None:
    assert prefix_of(text) == ""
    assert not is_id(text, "")


@given(st.text())
def test_any_text_may_be_asked_for_its_prefix(text: str) -> None:
    assert prefix_of(text) == "" or text.startswith(prefix_of(text))
