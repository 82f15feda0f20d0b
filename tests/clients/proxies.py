"""nginx and Caddy with the files of deploy/, on ports of the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.clients.programs import EXAMPLES, ROOT, free_port, program

NGINX = ROOT / "deploy/nginx/mogplex-bridge.conf"
CADDY = ROOT / "deploy/caddy/Caddyfile"
BRIDGE = "127.0.0.1:8080"  # as the files name it
START_S = 20.0

# Everything outside of conf.d that a Debian nginx has and that matters here.
NGINX_AROUND = """
daemon off; pid {directory}/nginx.pid; error_log stderr warn; user root;
events {{ worker_connections 256; }}
http {{
    access_log off; default_type text/html;
    client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
    {site}
}}
"""


def nginx_site(bridge_port: int, port: int) -> str:
    """Our file, with the ports of the test and the examples beside it."""
    text = NGINX.read_text()
    assert "listen 80;" in text
    assert BRIDGE in text
    examples = f"location /examples/ {{ alias {EXAMPLES}/; }}\n\n    location / {{"
    text = text.replace("listen 80;", f"listen 127.0.0.1:{port};")
    return text.replace(BRIDGE, f"127.0.0.1:{bridge_port}").replace("location / {", examples)


def bare_site(bridge_port: int, port: int, more: str = "") -> str:
    """What somebody writes who has read nothing: HTTP/1.0 to the bridge, buffering on."""
    where = f"proxy_pass http://127.0.0.1:{bridge_port}; {more}"
    return f"server {{ listen 127.0.0.1:{port}; location / {{ {where} }} }}"


@asynccontextmanager
async def nginx(site: str, port: int, directory: Path) -> AsyncIterator[str]:
    """nginx with this site; yields its address."""
    file = directory / "nginx.conf"
    file.write_text(NGINX_AROUND.format(directory=directory, site=site))
    async with program("nginx", "-p", directory, "-c", file) as process:
        await _listening(port, process)
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def caddy(bridge_port: int, directory: Path) -> AsyncIterator[str]:
    """Caddy with our file; yields its address. Without TLS: there is no name to get it for."""
    port = free_port()
    text = CADDY.read_text()
    assert "bridge.example.com {" in text
    assert BRIDGE in text
    examples = f"handle_path /examples/* {{\nroot * {EXAMPLES}\nfile_server\n}}\n"
    text = text.replace("bridge.example.com {", f"http://127.0.0.1:{port} {{\n{examples}")
    text = "{\nadmin off\n}\n" + text.replace(BRIDGE, f"127.0.0.1:{bridge_port}")
    file = directory / "Caddyfile"
    file.write_text(text)
    env = {
        "HOME": str(directory),
        "XDG_DATA_HOME": str(directory),
        "XDG_CONFIG_HOME": str(directory),
    }
    command = ("caddy", "run", "--config", file, "--adapter", "caddyfile")
    async with program(*command, env=env) as process:
        await _listening(port, process)
        yield f"http://127.0.0.1:{port}"


async def _listening(port: int, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(START_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                assert process.returncode is None, (await process.stdout.read()).decode()  # type: ignore[union-attr]
                await asyncio.sleep(0.05)
            else:
                writer.close()
                await writer.wait_closed()
                return
