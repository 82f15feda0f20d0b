"""Limits for clients, and the count of their streams."""

from __future__ import annotations

import ipaddress
import resource
from dataclasses import dataclass, replace

from bridge.outputs.http.addresses import counted_as
from bridge.outputs.http.problems import ProblemError
from bridge.outputs.http.tally import OwnTally, Tally


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits. The defaults suit one process on a small machine."""

    subscribers_max: int = 20_000  # the number measured in 0016-design.md
    subscribers_per_address_max: int = 500  # not for loopback, where a proxy's clients come from
    other_connections_max: int = 2_000  # open connections that are no streams (yet)
    connections_per_address_max: int = 256  # a browser opens six, a scraper one
    header_wait_s: float = 10.0  # from connecting to a whole first request; browsers take < 1 s
    keepalive_s: float = 75.0  # longer than the 60 s of common reverse proxies (readers.md)
    line_bytes_max: int = 8190  # request line, and each header field; what nginx and Apache allow
    headers_max: int = 64
    head_bytes_max: int = 32 * 1024  # all header fields together; browsers send under 4 KiB
    body_bytes_max: int = 64 * 1024  # for routes without a larger limit of their own
    runs_per_filter_max: int = 100
    types_per_filter_max: int = 32
    accounts_per_filter_max: int = 32
    value_chars_max: int = 256  # of one filter value; types are under 80
    types_chars_max: int = 2048  # of all globs in a filter; each new type is matched with them
    tail_max: int = 10_000
    page_records_max: int = 1000
    page_bytes_max: int = 8 * 1024 * 1024  # a page ends early, and `next` continues from there
    pages_at_once_max: int = 8  # being read or compressed; more wait their turn
    answer_wait_s: float = 30.0  # then a client that hardly reads its answer is cut
    unsent_bytes_max: int = 128 * 1024 * 1024  # of all unread answers together


_OTHER_FILES = 256  # journal, sinks, upstream connections, what libraries open


def fit_to_open_files(limits: Limits) -> Limits:
    """Raise the soft limit of open files to the hard one; return limits that fit into it.

    Otherwise the listening socket could run out of files, and clients would not get a 503.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return limits if soft == resource.RLIM_INFINITY else fit(limits, soft)


def fit(limits: Limits, files: int) -> Limits:
    """Return the limits, lowered if this number of open files does not allow them."""
    room = max(files - _OTHER_FILES, files // 2)
    others = min(limits.other_connections_max, room // 4)
    return replace(
        limits,
        other_connections_max=others,
        subscribers_max=min(limits.subscribers_max, room - others),
    )


class Seats:
    """Counts open streams, in total and by client address; `limits` may be replaced."""

    def __init__(self, limits: Limits, taken: Tally | None = None) -> None:
        self.limits = limits
        self._taken = taken or OwnTally()

    def take(self, address: str) -> None:
        """Count a stream in; `leave` counts it out.

        Raises:
            ProblemError: A limit is reached.
        """
        taken = self._taken.total()
        if taken >= self.limits.subscribers_max:
            raise ProblemError(
                "too_many_subscribers",
                f"{taken} streams are open, which is this server's limit; try again later",
                headers={"Retry-After": "30"},
            )
        here = counted_as(address)
        is_limited = not is_local(address)
        if is_limited and self._taken.of(here) >= self.limits.subscribers_per_address_max:
            raise ProblemError(
                "too_many_from_address",
                f"{self._taken.of(here)} streams are open from this address,"
                " which is the limit; close one first",
                headers={"Retry-After": "30"},
            )
        self._taken.add(here)

    def leave(self, address: str) -> None:
        """Count a stream out that `take` counted in; the address must be the same."""
        self._taken.remove(counted_as(address))


def is_local(address: str) -> bool:
    """Whether a client is on this host, where one address stands for many clients."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return not address  # a Unix socket has none
