"""The orders in which `top` lists runs."""

from typing import Final

SORTS: Final = ("lag", "events", "status", "age")
