"""Needs `pip install websockets`."""

import json
import os
import time
from collections.abc import Iterator
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import connect

URL = os.environ["BRIDGE_URL"].replace("http", "ws", 1) + "/v1/events"
HEADERS = {"Authorization": "Bearer " + os.environ["BRIDGE_TOKEN"]}


def records(after: str = "0") -> Iterator[dict[str, Any]]:
    """Yield every record once, forever; `after` is a sequence, "0" the oldest record kept."""
    while True:
        try:
            url = f"{URL}?after={after}"
            with connect(url, additional_headers=HEADERS, max_size=None) as socket:
                for message in socket:
                    record = json.loads(message)
                    after = record.get("sequence", after)  # a bridge.reset has no sequence
                    yield record
        except InvalidStatus as error:
            if error.response.status_code in (401, 403):
                raise
        except (ConnectionClosed, InvalidHandshake, OSError):
            pass  # cut, or the bridge is restarting
        time.sleep(2)


if __name__ == "__main__":
    for record in records():
        print(json.dumps(record), flush=True)  # type "bridge.reset": records are missing
