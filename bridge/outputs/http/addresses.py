"""Finds the client's address behind proxies.

`X-Forwarded-For` counts only if a trusted proxy sent the request, and only as far as trusted
proxies wrote it: the client is the last address that is not a trusted proxy. Any other client could
write any address there.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from aiohttp import web

FORWARDED_FOR = "X-Forwarded-For"
_HOPS_MAX = 16  # entries read, from the end; chains of proxies are short
_HOST_BITS = 64  # of an IPv6 address: a client chooses them itself (RFC 4291, section 2.5.4)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Proxies:
    """The trusted proxies, as addresses or networks.

    Raises:
        ValueError: An entry is neither an address nor a network.
    """

    def __init__(self, trusted: Iterable[str] = (), *, is_behind_workers: bool = False) -> None:
        """Parse the trusted proxies.

        Args:
            trusted: Addresses and networks.
            is_behind_workers: A peer without an address is a worker of this program, which has
                determined the client's address already.
        """
        self._is_behind_workers = is_behind_workers
        self._trusted: tuple[Network, ...] = tuple(map(ipaddress.ip_network, trusted))

    def client_address(self, request: web.Request) -> str:
        """Return the address for limits; "" for a client without one."""
        peer = request.remote or ""
        if self._is_behind_workers and not peer:
            return request.headers.get(FORWARDED_FOR, "")
        if not self._trusted or not self.trusts(peer):
            return peer
        hops = ",".join(request.headers.getall(FORWARDED_FOR, [])).split(",")[-_HOPS_MAX:]
        for hop in reversed(hops):
            address = _maybe_address(hop.strip())
            if address is None:
                return peer  # no trusted proxy writes that
            if not self._is_trusted(address):
                return str(address)
        return peer

    def trusts(self, peer: str) -> bool:
        """Whether an address is that of a trusted proxy."""
        return self._is_trusted(_maybe_address(peer))

    def _is_trusted(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._trusted)


def counted_as(client: str) -> str:
    """Return the key under which limits count a client: an IPv6 network counts as one."""
    address = _maybe_address(client)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Address(int(address) >> _HOST_BITS << _HOST_BITS))
    return client if address is None else str(address)


def _maybe_address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if isinstance(mapped, ipaddress.IPv4Address) else address
