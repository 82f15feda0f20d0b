"""The vendor's API for the commands `run` and `runs`: through a bridge or directly upstream."""

from __future__ import annotations

import http.client
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

import click

from bridge.cli.bridge_url import BridgeUrl, connect, read_token, split_bridge_url
from bridge.cli.exits import Exit
from bridge.cli.options import load_with
from bridge.core.errors import BridgeError

API: Final = "/api/v1/mogplex"
TIMEOUT_S: Final = 30.0
_BODY_BYTES_MAX: Final = 64 * 2**20
_EXITS: Final = {
    401: Exit.UNAUTHORISED, 403: Exit.FORBIDDEN, 429: Exit.RATE_LIMITED,
}  # fmt: skip


class RefusedError(BridgeError):
    """The API refused a request or did not answer."""

    def __init__(self, code: str, message: str, exit_code: Exit) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.exit_code = exit_code


class Place(NamedTuple):
    """The API's address, and the token for it."""

    url: BridgeUrl
    token: str | None
    is_bridge: bool


def find_place(
    url: str | None, config: Path | None, token_file: Path | None, base_url: str | None
) -> Place:
    """The bridge of `--url`, else upstream with the token of the default account.

    A bridge uses its own accounts' tokens; `token_file` is then the bridge's token.

    Raises:
        ConfigError: The configuration or the account's token is wrong.
        click.UsageError: `--url` or the bridge's token file is wrong.
    """
    if url is not None:
        return Place(split_bridge_url(url), read_token(token_file), is_bridge=True)
    from bridge.config import resolve_accounts  # noqa: PLC0415 - `--help` needs no settings

    loaded = load_with(config=config, token_file=token_file, base_url=base_url)
    default = loaded.settings.default_account
    account = next(
        one
        for one in resolve_accounts(loaded.settings, place=loaded.place)
        if one.name == default.name
    )
    return Place(split_bridge_url(account.base_url), account.tokens.token(), is_bridge=False)


class VendorApi:
    """A client of the API; one request at a time."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def get(self, path: str, **query: str | Sequence[str]) -> dict[str, Any]:
        """Send a GET and return the `data` of the answer.

        Raises:
            RefusedError: The API refused, or did not answer.
        """
        text = f"?{urlencode(query, doseq=True)}" if query else ""
        return self._ask("GET", f"{API}{path}{text}", None, {})

    def post(self, path: str, body: bytes = b"", **headers: str) -> dict[str, Any]:
        """Send a POST and return the `data` of the answer.

        Raises:
            RefusedError: The API refused, or did not answer.
        """
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._ask("POST", f"{API}{path}", body, named)

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> dict[str, Any]:
        place = self.place
        if place.token is not None:
            headers = {**headers, "Authorization": f"Bearer {place.token}"}
        connection = connect(place.url, TIMEOUT_S)
        try:
            connection.request(
                method, place.url.path + path, body, {"Accept": "application/json", **headers}
            )
            answer = connection.getresponse()
            whole = answer.read(_BODY_BYTES_MAX)
        except TimeoutError:
            text = f"{place.url.origin} does not answer within {TIMEOUT_S:g} s"
            raise RefusedError("TIMEOUT", text, Exit.UNAVAILABLE) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            text = f"{place.url.origin}: {str(reason).lower()}"
            raise RefusedError("TRANSPORT", text, Exit.UNAVAILABLE) from None
        finally:
            connection.close()
        return _data(answer.status, whole)


def _data(status: int, body: bytes) -> dict[str, Any]:
    from bridge.wire.jsontext import JsonError, loads  # noqa: PLC0415 - `--help` needs none

    try:
        found = loads(body)
    except JsonError:
        found = None
    envelope = found if isinstance(found, dict) else {}
    data = envelope.get("data")
    if 200 <= status < 300 and envelope.get("ok") is True and isinstance(data, dict):
        return data
    if 300 <= status < 400:
        text = "the server redirects to a sign-in page or another address; check the base URL"
        raise RefusedError("UNAUTHORIZED", text, Exit.UNAUTHORISED)
    error = envelope.get("error")
    if not isinstance(error, dict):
        raise RefusedError("HTTP_ERROR", f"HTTP {status} without the API's JSON", _exit(status))
    code, message = (
        told if isinstance(told := error.get(name), str) else "" for name in ("code", "message")
    )
    raise RefusedError(code or "HTTP_ERROR", message, _exit(status))


def _exit(status: int) -> Exit:
    return _EXITS.get(status, Exit.UNAVAILABLE if status >= 500 else Exit.FAILED)


def checked_id(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """An id that is safe in a path."""
    return quote(value.strip(), safe="", errors="surrogateescape")


def objects(data: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects in a list of an answer.

    Raises:
        RefusedError: The answer has no such list.
    """
    found = data.get(name)
    if not isinstance(found, list):
        raise _unreadable(name)
    return [one for one in found if isinstance(one, dict)]


def run_of(data: dict[str, Any]) -> dict[str, Any]:
    """The run in an answer.

    Raises:
        RefusedError: The answer has none.
    """
    run = data.get("run")
    if not isinstance(run, dict):
        raise _unreadable("run")
    return run


def _unreadable(name: str) -> RefusedError:
    text = f"the answer has no readable {name!r}"
    return RefusedError("INVALID_RESPONSE", text, Exit.UNAVAILABLE)
