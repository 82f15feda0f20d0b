"""Needs `pip install httpx-sse`."""

import os
import time
from collections.abc import Iterator

import httpx
from httpx_sse import ServerSentEvent, connect_sse

URL = os.environ["BRIDGE_URL"] + "/v1/events"
HEADERS = {"Authorization": "Bearer " + os.environ["BRIDGE_TOKEN"]}
TIMEOUT = httpx.Timeout(10, read=40)  # the bridge sends a heartbeat every 15 s


def events(after: str = "0") -> Iterator[ServerSentEvent]:
    """Yield every record once, forever; `after` is a position, "0" the oldest record kept."""
    while True:
        try:
            with (
                httpx.Client(timeout=TIMEOUT, headers=HEADERS) as client,
                connect_sse(client, "GET", URL, params={"after": after}) as stream,
            ):
                if stream.response.status_code in (401, 403):
                    raise PermissionError(stream.response.read().decode())
                stream.response.raise_for_status()
                for event in stream.iter_sse():
                    after = event.id
                    if event.data:  # the first frame has only a position
                        yield event
        except httpx.HTTPError:
            pass  # cut, or the bridge is restarting
        time.sleep(2)


if __name__ == "__main__":
    for event in events():
        print(event.data, flush=True)  # event.event is "bridge.reset" where records are missing
