from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.values.networks import Address, address, is_everybodys


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700::1111"])
def test_the_public_internet_is_everybodys(text: str) -> None:
    assert is_everybodys(address(text))


@given(st.ip_addresses())
def test_whatever_python_knows_as_inner_is_nobodys(found: Address) -> None:
    assert found.is_global or not is_everybodys(found)
    assert not (found.is_multicast and is_everybodys(found))


@given(st.ip_addresses(v=4), st.sampled_from(["::", "::ffff:0:0", "64:ff9b::", "64:ff9b:1::"]))
def test_no_ipv4_address_is_carried_in_another(inner: IPv4Address, prefix: str) -> None:
    assert not is_everybodys(IPv6Address(int(IPv6Address(prefix)) | int(inner)))
    assert not is_everybodys(IPv6Address(0x2002 << 112 | int(inner) << 80))
    assert not is_everybodys(IPv6Address(0x2001_0000 << 96 | int(inner)))
