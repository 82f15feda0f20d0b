"""Who is in, from where, and who holds what; by a model of a connection."""

from __future__ import annotations

import pytest

from bridge.outputs.http.addresses import Proxies
from bridge.outputs.http.limits import Limits, Seats
from bridge.outputs.http.open_connections import OpenConnections
from bridge.outputs.http.problems import ProblemError


class Guest:
    def __init__(self, address: str, unsent: int = 0) -> None:
        self.address = address
        self.unsent = unsent
        self.is_cut = False

    def held_bytes(self) -> int:
        return self.unsent

    def cut(self) -> None:
        self.is_cut = True


def test_c1_one_address_fills_its_own_places_only() -> None:
    crowd = OpenConnections(Limits(other_connections_max=10, connections_per_address_max=2))
    first = [Guest("192.0.2.1") for _ in range(3)]
    assert [crowd.may_enter(guest) for guest in first] == [True, True, False]
    crowd.leave(first[2])
    assert crowd.may_enter(Guest("192.0.2.2"))
    extra = Guest("192.0.2.1")
    assert not crowd.may_enter(extra)
    crowd.leave(extra)
    crowd.leave(first[0])
    crowd.leave(first[0])  # a second time changes nothing
    assert crowd.may_enter(Guest("192.0.2.1"))
    assert len(crowd) == 3


def test_c1_all_together_are_bounded_and_this_host_by_that_alone() -> None:
    crowd = OpenConnections(Limits(other_connections_max=4, connections_per_address_max=1))
    crowd.proxies = Proxies(["198.51.100.0/24"])
    guests = [Guest("127.0.0.1"), Guest("::1"), Guest("198.51.100.7"), Guest("198.51.100.7")]
    assert all(crowd.may_enter(guest) for guest in guests)
    late = Guest("127.0.0.1")
    assert not crowd.may_enter(late)
    crowd.leave(late)
    for guest in guests:
        crowd.leave(guest)
    assert len(crowd) == 0
    assert not crowd._counts._by_address, "an address that has left is forgotten"


def test_c2_of_those_who_do_not_take_their_answers_the_largest_go() -> None:
    crowd = OpenConnections(Limits(unsent_bytes_max=100))
    guests = [Guest("192.0.2.1", unsent) for unsent in (20, 60, 10)]
    for guest in guests:
        crowd.note_slow(guest)
    assert not any(guest.is_cut for guest in guests)
    last = Guest("192.0.2.2", 30)
    crowd.note_slow(last)
    assert [guest.is_cut for guest in (*guests, last)] == [False, True, False, False]
    crowd.note_drained(last)
    crowd.note_slow(Guest("192.0.2.3", 70))
    assert not guests[0].is_cut


def test_all_addresses_of_an_ipv6_network_are_one_client() -> None:
    """It chooses the last 64 bits itself, and could have a place for each of them."""
    limits = Limits(connections_per_address_max=2, subscribers_per_address_max=2)
    crowd, seats = OpenConnections(limits), Seats(limits)
    guests = [Guest(f"2001:db8:1:2:{n}::{n}") for n in range(1, 4)]
    assert [crowd.may_enter(guest) for guest in guests] == [True, True, False]
    assert crowd.may_enter(Guest("2001:db8:1:3::1")), "the network beside it is another client"
    seats.take("2001:db8:1:2::1")
    seats.take("2001:db8:1:2:ffff:ffff:ffff:ffff")
    with pytest.raises(ProblemError, match="2 streams are open from this address"):
        seats.take("2001:db8:1:2::3")
    for mapped in ("::ffff:192.0.2.1", "::ffff:192.0.2.2", "192.0.2.3"):
        seats.take(mapped)  # these are IPv4
    seats.leave("2001:db8:1:2::1")
    seats.take("2001:db8:1:2::3")
    for guest in guests:
        crowd.leave(guest)
    assert crowd.may_enter(guests[2])
