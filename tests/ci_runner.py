"""How CI runners read a log: which lines they take for commands.

After the source of the GitHub runner (ActionCommand): every line of stdout and stderr is tried;
`::name properties::data` counts at its start after blanks, the older `##[name properties]data`
anywhere in it; names in any case. Azure's `##vso[` and `##[` are found in the same way.
"""

from __future__ import annotations

import re

_NEW = re.compile(r"^\s*::([a-zA-Z][\w-]*)(?: ([^\n]*?))?::(.*)$")
_OLD = re.compile(r"##(?:vso)?\[([^\]]*)\](.*)")


def commands(log: bytes) -> list[tuple[str, str, str]]:
    """(name, properties, data) of each command that a runner would carry out."""
    found = []
    for line in re.split(r"\r\n|\n|\r", log.decode("utf-8", "replace")):
        if match := _NEW.match(line):
            found.append((match[1].lower(), match[2] or "", _decoded(match[3])))
        elif match := _OLD.search(line):
            name, _, properties = match[1].partition(" ")
            found.append((name.lower(), properties, match[2]))
    return found


def _decoded(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
