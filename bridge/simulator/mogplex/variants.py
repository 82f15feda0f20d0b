"""Events that break a careless reader (the knob `payloads`, docs/simulator.md and 1.9).

All secrets are made up and useless.
"""

from __future__ import annotations

from collections.abc import Callable

from bridge.simulator.mogplex.store import Draft

# 28 characters like the generator's tokens; never accepted by anything but the simulator.
FAKE_TOKEN = "mog_" + "Ab3dEf6hIj9lMn2pQr5tUv8x"
FAKE_GITHUB = "ghp_" + "x1Yz2Ab3Cd4Ef5Gh6Ij7Kl8Mn9Op0Qr1St2u"
LONG_MESSAGE_CHARS = 100_000


def _lone_surrogate() -> Draft:
    """The cut at 2,000 units falls into the pair of the last visible character."""
    return Draft(
        "log", "Rendered the preview", {"stage": "render", "output": "x" * 1_999 + "😀" * 9}
    )


def _many_keys() -> Draft:
    """Only the first 25 keys and items survive."""
    payload = {f"key{index:02d}": index for index in range(30)}
    return Draft("log", "Collected metrics", {"metrics": payload, "samples": list(range(40))})


def _deep() -> Draft:
    """Level 3 is replaced by a marker, a number beside it stays."""
    tree = {"one": {"two": {"three": {"four": 4}, "leaf": 2}, "list": [[1], "text"]}}
    return Draft("log", "Parsed the module graph", tree)


def _preview() -> Draft:
    """More than 20,000 units after all other cuts."""
    output = [f"{index:02d} " + "lorem ipsum " * 150 for index in range(25)]
    return Draft(
        "tool_finished", "Printed the lock file", {"kind": "tool", "output": output}, "shell"
    )


def _secret_message() -> Draft:
    """Messages are not sanitised: this one reaches every reader as it is."""
    text = (
        f"git remote set-url origin https://x-access-token:{FAKE_GITHUB}@example.com/acme/web.git"
    )
    return Draft("log", text, {"stage": "git_sync", "url": text})


def _mog_value() -> Draft:
    """The service's own token format is not among the masked ones."""
    payload = {"stage": "install", "note": f"curl -H 'X-Key: {FAKE_TOKEN}'", "pwd": "hunter2"}
    return Draft("log", "Wrote the MCP configuration", payload)


def _long_message() -> Draft:
    """Messages have no cap."""
    line = "compiling module and writing its declaration file\n"
    text = (line * (LONG_MESSAGE_CHARS // len(line) + 1))[:LONG_MESSAGE_CHARS]
    return Draft("log", text, {"stage": "build"})


def _big_number() -> Draft:
    """Integers beyond 2^53 lose digits on the way; harmless keys with `token` lose their type."""
    payload = {"snowflake": 12_345_678_901_234_567_890, "inputTokens": 1_234, "session_id": 7}
    return Draft("log", "Recorded usage", payload)


def _bad_utf8() -> Draft:
    """Bytes that are no text, as a broken column or proxy gives: the whole page is no JSON."""
    return Draft("log", "Read a binary file", broken=b'{"output":"\xff\xfe\x80"}')


def _huge_number() -> Draft:
    """More digits than a parser will read: Python stops at 4,300."""
    return Draft("log", "Computed a factorial", broken=b'{"value":' + b"7" * 5_000 + b"}")


def _no_end() -> Draft:
    """Deeper than any parser goes."""
    return Draft("log", "Walked a cycle", broken=b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}")


VARIANTS: dict[str, Callable[[], Draft]] = {
    "lone_surrogate": _lone_surrogate,
    "many_keys": _many_keys,
    "deep": _deep,
    "preview": _preview,
    "secret_message": _secret_message,
    "mog_value": _mog_value,
    "long_message": _long_message,
    "big_number": _big_number,
    "bad_utf8": _bad_utf8,
    "huge_number": _huge_number,
    "no_end": _no_end,
}
