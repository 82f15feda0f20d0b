"""The proxy of the environment is taken, and what opens it is shown nowhere."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.core.errors import Failure
from bridge.schema.proxies import proxy_of, secrets_of, shown, unusable
from bridge.sources.http import HttpSession, Reply

NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    ("environ", "origin", "proxy"),
    [
        ({}, "https://mogplex.com", None),
        ({"HTTPS_PROXY": "http://p:3128"}, "https://mogplex.com", "http://p:3128"),
        ({"https_proxy": "p:3128"}, "https://mogplex.com", "http://p:3128"),
        ({"HTTP_PROXY": "http://p:3128"}, "https://mogplex.com", None),
        ({"http_proxy": "http://p:3128"}, "http://localhost:9090", "http://p:3128"),
        ({"ALL_PROXY": "http://p:1"}, "https://mogplex.com", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "mogplex.com"}, "https://mogplex.com", None),
        ({"HTTPS_PROXY": "http://p:1", "no_proxy": ".example"}, "https://a.example", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, "https://mogplex.com", None),
        ({"HTTPS_PROXY": "socks5://p:1"}, "https://mogplex.com", None),
        ({"HTTPS_PROXY": "http://p:99999"}, "https://mogplex.com", None),
    ],
)
def test_the_environment_names_a_proxy(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], origin: str, proxy: str | None
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert proxy_of(origin) == proxy


def test_a_proxy_is_shown_without_what_opens_it() -> None:
    url = "http://me:s3cret@proxy.example:3128"
    assert shown(url) == "http://***@proxy.example:3128"
    assert secrets_of(url) == ["s3cret"]
    assert shown("http://[::1]:3128") == "http://[::1]:3128"


async def test_requests_pass_the_proxy_and_its_refusal_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[str, str | None]] = []

    async def relay(request: web.Request) -> web.Response:
        seen.append((request.host, request.headers.get("Proxy-Authorization")))
        return web.Response(status=200 if len(seen) == 1 else 407, text="{}")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", relay)
    async with TestServer(app) as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://me:s3cret@127.0.0.1:{server.port}")
        http = HttpSession("http://upstream.example", lambda: "mog_x")
        reply = await http.get("repos", "/api", {})
        refused = await http.get("repos", "/api", {})
        await http.close()
    assert isinstance(reply, Reply)
    assert [host for host, _ in seen] == ["upstream.example"] * 2
    assert seen[0][1] is not None
    assert isinstance(refused, Failure | Reply)
    assert "s3cret" not in repr(refused)


async def test_a_proxy_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://me:s3cret@127.0.0.1:9")
    http = HttpSession("http://upstream.example", lambda: "mog_x")
    failure = await http.get("repos", "/api", {})
    await http.close()
    assert isinstance(failure, Failure)
    assert failure.message.startswith("cannot connect to the proxy 127.0.0.1:9: ")
    assert "s3cret" not in repr(failure)


@pytest.mark.parametrize(
    "headers", [{"X-Policy": "x" * 60_000}, {f"X-{n}": "y" for n in range(300)}]
)
async def test_a_long_head_of_a_reply_is_read(headers: dict[str, str]) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="{}", headers=headers)

    app = web.Application()
    app.router.add_get("/api", answer)
    async with TestServer(app) as server:
        http = HttpSession(f"http://127.0.0.1:{server.port}", lambda: "mog_x")
        reply = await http.get("repos", "/api", {})
        await http.close()
    assert isinstance(reply, Reply)
    assert reply.status == 200


@pytest.mark.parametrize(
    ("url", "scheme"),
    [("socks5://u:pw@p:1", "socks5"), ("http://p:99999", "http"), ("http://p:1", None), ("", None)],
)
def test_a_proxy_that_cannot_be_used_is_not_passed_over_without_a_word(
    monkeypatch: pytest.MonkeyPatch, url: str, scheme: str | None
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", url)
    assert unusable("https://mogplex.com") == scheme
    monkeypatch.setenv("NO_PROXY", "mogplex.com")
    assert unusable("https://mogplex.com") is None
