"""Which internet addresses are everybody's, and which lead into somebody's house."""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Python's own `is_global` differs between its versions, so the registries of IANA are said
# here. Of IPv4, all that is not everybody's; documentation and benchmarks are used by houses.
_INNER_4 = [
    ip_network(each)
    for each in (
        "0.0.0.0/8",  # this network; Linux takes 0.0.0.0 for itself
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind a provider's translation; clouds have metadata here
        "127.0.0.0/8",
        "168.63.129.16/32",  # what Azure tells its machines
        "169.254.0.0/16",  # link-local, with the metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
]

# Of IPv6 only global unicast is everybody's. That leaves out ::, ::1, IPv4 mapped (::ffff:0:0/96)
# and compatible (::/96), NAT64 (64:ff9b::/96 and 64:ff9b:1::/48), unique local, link-local and
# multicast; and of global unicast what carries an IPv4 address or is of no one.
_GLOBAL_6 = ip_network("2000::/3")
_INNER_6 = [
    ip_network(each)
    for each in (
        "2001::/23",  # Teredo, ORCHID and other assignments of protocols
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
    )
]


def address(text: str) -> Address:
    """An address as a resolver writes it."""
    return ip_address(text)


def is_everybodys(address: Address) -> bool:
    """Whether an address is one of the public internet's, and of nobody's inner network."""
    if isinstance(address, IPv4Address):
        return not any(address in each for each in _INNER_4)
    if address.scope_id is not None or address not in _GLOBAL_6:
        return False
    return not any(address in each for each in _INNER_6)
