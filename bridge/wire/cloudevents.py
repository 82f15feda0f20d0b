"""One record as a CloudEvents 1.0 object (outside.md 2), encoded once.

The sequence is known only inside the commit, so the object comes in two halves around it:
`head + b"%020d" % seq + tail`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from bridge.wire.jsontext import dumps


@lru_cache(maxsize=1024)  # types repeat; the bound is against invented ones
def _quoted(text: str) -> bytes:
    return dumps(text)


class Encoder:
    """Encodes the records of one feed; what several of them share is put together once."""

    __slots__ = ("_account", "_end", "_of", "_source", "_subject")

    def __init__(self, *, source: str, subject: str, account: str) -> None:
        self._source = b',"source":' + dumps(source) + b',"type":'
        self._subject = b',"subject":' + dumps(subject) + b',"time":"'
        self._account = b'","account":' + dumps(account)
        self._of: tuple[str, str | None] | None = None  # when recorded, and status
        self._end = b""  # what records of `_of` have behind their sequence and before their data

    def encode(
        self,
        id_: str,
        type_: str,
        *,
        time: str,
        recorded: str,
        status: str | None,
        data: Mapping[str, Any] | bytes,
    ) -> tuple[bytes, bytes]:
        """Return both halves. The values are redacted already; times are RFC 3339 with `Z`.

        `data` may be JSON already.
        `status` None leaves `runstatus` out: CloudEvents has no null attributes.
        """
        if (recorded, status) != self._of:
            of_status = b"" if status is None else b',"runstatus":' + dumps(status)
            self._end = b'","recordedtime":"%b%b%b,"data":' % (
                recorded.encode(),
                self._account,
                of_status,
            )
            self._of = recorded, status
        head = b"".join(
            (
                b'{"specversion":"1.0","id":',
                dumps(id_),
                self._source,
                _quoted(type_),
                self._subject,
                time.encode(),
                b'","datacontenttype":"application/json","sequence":"',
            )
        )
        return head, self._end + (data if isinstance(data, bytes) else dumps(data)) + b"}"
