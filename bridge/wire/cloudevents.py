"""One record as a CloudEvents 1.0 object (outside.md 2), encoded once.

The sequence is known only inside the commit, so the object comes in two halves around it:
`head + b"%020d" % seq + tail`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from bridge.wire.jsontext import dumps


@lru_cache(maxsize=1024)  # types repeat; the bound protects against invented ones
def _quoted(text: str) -> bytes:
    return dumps(text)


class Encoder:
    """Encodes the records of one feed, and reuses the parts that several of them share."""

    __slots__ = ("_account", "_end", "_of", "_source", "_subject")

    def __init__(self, *, source: str, subject: str, account: str) -> None:
        self._source = b',"source":' + dumps(source) + b',"type":'
        self._subject = b',"subject":' + dumps(subject) + b',"time":"'
        self._account = b'","account":' + dumps(account)
        self._of: tuple[str, str | None] | None = None  # recording time and status
        self._end = b""  # the bytes between sequence and data in records of `_of`

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
        """Return both halves of a record.

        Args:
            id_: The id.
            type_: The type.
            time: Upstream's time, RFC 3339 with `Z`.
            recorded: The time of recording, RFC 3339 with `Z`.
            status: None leaves `runstatus` out: CloudEvents has no null attributes.
            data: The data, redacted; bytes are JSON already.
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
