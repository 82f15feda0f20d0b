"""What single prefixes of `providers.py` need beyond their row, as data.

key-id: an id of a key, not the key: its secret may stand beside it.
names-token: ends in a colon, but is part of the token and not the name of a user before it.
never-hex: tokens have letters of both cases, so a hex body of 40 or 64 is a hash.
ends-names: ordinary names end in it too (`is_live_`, `mcp__convo_`).
glues: may follow a word directly, although it ends in no separator.
no-example: always a token, even if somebody made it up to look like an example (mogplex.md 1.3).
"""

from __future__ import annotations

from typing import Final

TRAITS: Final = """
key-id       AKIA ASIA ABIA ACCA A3T LTAI AKID AKLT SCW
names-token  AstraCS: secret-token:
never-hex    sk- re_ fw_ npm_ hf_ rpa_ tk_
ends-names   convo_ key_ live_ test_ secret_ pat_ re_ pk_
glues        AIza
no-example   mog_
"""


def prefixes_with(trait: str) -> frozenset[str]:
    """Return the prefixes with a trait, as they are written."""
    rows = (line.split() for line in TRAITS.split("\n") if line)
    return frozenset(next(prefixes for name, *prefixes in rows if name == trait))
