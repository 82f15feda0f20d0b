"""How the daemon under torture is configured, and what the oracle has to know of it."""

from __future__ import annotations

from pathlib import Path

from tests.torture.oracle import Output

CONFIG = """\
listen = "127.0.0.1:{port}"
journal = "sqlite:{root}/journal.db"
[retention]
age = "{kept}"
[log]
level = "warning"
[[accounts]]
name = "default"
base_url = "{url}"
token_env = "MOGPLEX_TOKEN"
requests_per_minute = 6000
min_interval = "50ms"
[[outputs]]
path = "{root}/all.ndjson"
line_bytes = 0
rotate = {{bytes = 60000}}
compress = "gzip"
[[outputs]]
path = "{root}/fixed.ndjson"
line_bytes = 0
naming = "fixed"
fsync = "always"
rotate = {{bytes = 90000, every = "1h"}}
[[outputs]]
path = "{root}/tools.ndjson"
line_bytes = 0
fsync = "never"
rotate = {{bytes = 40000}}
filter = {{types = ["com.mogplex.run.event.tool_*"]}}
[[outputs]]
path = "{root}/plain.ndjson"
line_bytes = 0
rotate = {{bytes = 50000}}
compress = "gzip"
format = "mogplex"
"""


def outputs(root: Path) -> list[Output]:
    """The outputs of `CONFIG`, as the oracle has to know them."""
    return [
        Output(root / "all.ndjson", "numbered"),
        Output(root / "fixed.ndjson", "fixed"),
        Output(root / "tools.ndjson", "numbered", "com.mogplex.run.event.tool_*"),
        Output(root / "plain.ndjson", "numbered", is_mogplex=True),
    ]
