"""TLS by setting: handshakes, certificates replaced under open streams, files that are wrong."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridge.core.errors import ConfigError
from bridge.outputs.http.certificates import Certificates
from tests.e2e.attacked import (
    Attacked,
    attacked,
    read_answer,
    read_to_end,
    read_until,
    seconds_until_closed,
)
from tests.e2e.processes import environment

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        shutil.which("openssl") is None and not os.environ.get("CI"),
        reason="openssl makes the certificates: apt-get install openssl",
    ),
]

PING, PONG = b"\x89\x80\0\0\0\0", b"\x8a\x00"


def openssl(*args: str) -> None:
    subprocess.run(["openssl", *args], check=True, capture_output=True)


def make_pair(directory: Path, name: str, password: str | None = None) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, its subject being `name`, and its key."""
    certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
    secret = ["-noenc"] if password is None else ["-passout", f"pass:{password}"]
    openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", *secret,
        "-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", f"/CN={name}",
        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
    )  # fmt: skip
    return certificate, key


def tls_table(certificate: Path, key: Path) -> str:
    return f'[tls]\ncertificate_file = "{certificate}"\nkey_file = "{key}"\n'


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate)


class Secured:
    """A bridge that speaks TLS, with the pair it began with."""

    def __init__(self, bridge: Attacked, pair: tuple[Path, Path]) -> None:
        self.bridge = bridge
        self.certificate, self.key = pair
        self.trust = trusting(self.certificate)

    def request(self, path: str, more: str = "") -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: localhost:{self.bridge.port}\r\n{more}\r\n".encode()

    def subject(self) -> str:
        """Who the server says it is in a new handshake."""
        either = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        either.check_hostname = False
        either.load_verify_locations(self.certificate)
        either.verify_mode = ssl.CERT_REQUIRED
        with closing(self.bridge.connect(either)) as opened:
            found = opened.getpeercert()  # type: ignore[attr-defined]
        return str(dict(part[0] for part in found["subject"])["commonName"])


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    directory = tmp_path_factory.mktemp("tls")
    pair = make_pair(directory, "first")
    config = tls_table(*pair) + '[limits]\nheader_wait = "1s"\n'
    with attacked(directory, config, is_tls=True, records=2000, pad=8000) as bridge:
        yield Secured(bridge, pair)
        assert "Traceback" not in bridge.log()


def test_every_representation_over_tls(secured: Secured) -> None:
    bridge = secured.bridge
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        secured.trust.minimum_version = secured.trust.maximum_version = version
        with closing(bridge.connect(secured.trust)) as opened:
            opened.sendall(secured.request("/v1/events?after=9&limit=1000"))
            assert len(read_answer(opened).body) > 7_000_000
            opened.sendall(secured.request("/v1/events?after=0", "Accept: text/event-stream\r\n"))
            assert b" 200 " in read_until(opened, b"\r\n\r\n")
            assert b"\ndata: {" in read_until(opened, b"-3\n\n")
    secured.trust = trusting(secured.certificate)
    with closing(bridge.connect(secured.trust)) as opened:
        opened.sendall(bridge.handshake("/v1/events?after=2009"))
        assert b" 101 " in read_until(opened, b"\r\n\r\n")
        opened.sendall(PING)
        assert read_until(opened, PONG).endswith(PONG)
    with closing(bridge.connect(secured.trust)) as opened:
        opened.sendall(secured.request("/v1/events?after=0", "Accept: application/x-ndjson\r\n"))
        assert b'"a0"' in read_until(opened, b'"b0"')


def test_nothing_older_than_1_2_is_offered(secured: Secured) -> None:
    context = Certificates(secured.certificate, secured.key).context
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    weak = ("RC4", "NULL", "DES", "EXP", "MD5", "ADH", "AECDH")
    assert not [c for c in context.get_ciphers() if any(word in c["name"] for word in weak)]


def test_old_versions_and_plain_http_get_nothing(secured: Secured) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname = False
    old.verify_mode = ssl.CERT_NONE
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLS"):
        old.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLS"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        closing(socket.create_connection(("127.0.0.1", secured.bridge.port), 5)) as opened,
        pytest.raises((ssl.SSLError, ConnectionResetError)),
    ):
        old.wrap_socket(opened)
    with closing(secured.bridge.connect()) as opened:
        opened.sendall(secured.request("/v1/runs"))
        assert b"HTTP/1.1" not in read_to_end(opened)


@pytest.mark.parametrize("sent", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00"])
def test_slow_loris_within_the_handshake(secured: Secured, sent: bytes) -> None:
    with closing(secured.bridge.connect()) as opened:
        opened.sendall(sent)
        assert seconds_until_closed(opened) < 5
    assert secured.subject() == "first"


def test_slow_loris_behind_the_handshake(secured: Secured) -> None:
    with closing(secured.bridge.connect(secured.trust)) as opened:
        opened.sendall(b"GET /v1/ru")
        assert seconds_until_closed(opened) < 5


def test_a_reader_that_never_reads_over_tls(secured: Secured) -> None:
    before = secured.bridge.rss_bytes()
    with ExitStack() as stack:
        for _ in range(10):
            opened = stack.enter_context(closing(secured.bridge.connect(secured.trust)))
            more = "Accept: application/x-ndjson\r\n"
            opened.sendall(secured.request("/v1/events?after=0", more))
        time.sleep(1.0)
        assert secured.bridge.rss_bytes() - before < 40_000_000


def test_a_new_certificate_is_used_without_dropping_a_stream(tmp_path: Path) -> None:
    first, second = make_pair(tmp_path, "first"), make_pair(tmp_path, "second")
    both = tmp_path / "both.pem"
    both.write_bytes(first[0].read_bytes() + second[0].read_bytes())
    live = tmp_path / "live.pem", tmp_path / "live.key"
    for source, target in zip(first, live, strict=True):
        shutil.copy(source, target)
    with attacked(tmp_path, tls_table(*live), is_tls=True) as bridge:
        secured = Secured(bridge, (both, live[1]))
        assert secured.subject() == "first"
        with closing(bridge.connect(trusting(first[0]))) as open_before:
            open_before.sendall(bridge.handshake())
            read_until(open_before, b"\r\n\r\n")
            os.replace(shutil.copy(second[0], tmp_path / "new.pem"), live[0])
            time.sleep(2.5)  # the certificate is new, its key is not: the old pair goes on
            assert secured.subject() == "first"
            assert "tls.certificate_refused" in bridge.log()
            os.replace(shutil.copy(second[1], tmp_path / "new.key"), live[1])
            ends_at = time.monotonic() + 60
            while secured.subject() != "second":
                assert time.monotonic() < ends_at, bridge.log()
                time.sleep(0.1)
            open_before.sendall(PING)
            assert read_until(open_before, PONG) == PONG
        health = [sys.executable, "-m", "bridge", "health", "--url"]
        asked = subprocess.run(
            [*health, f"https://localhost:{bridge.port}"], capture_output=True, check=False,
            env=environment(None, SSL_CERT_FILE=str(second[0])),
        )  # fmt: skip
        assert (asked.returncode, asked.stdout.split()[0]) == (0, b"ready:"), asked


def test_files_that_cannot_be_used_are_told_in_one_line(tmp_path: Path) -> None:
    good = make_pair(tmp_path, "good")
    other = make_pair(tmp_path, "other")
    locked = make_pair(tmp_path, "locked", password="secret")
    text = tmp_path / "text.pem"
    text.write_text("this is no certificate\n")
    torn = tmp_path / "torn.pem"
    torn.write_bytes(good[0].read_bytes()[:200])
    for certificate, key, expected in (
        (tmp_path / "none.pem", good[1], "none.pem: no such file or directory"),
        (good[0], tmp_path / "none.key", "none.key: no such file or directory"),
        (text, good[1], "text.pem: holds no certificate in PEM"),
        (good[0], text, "text.pem: holds no private key in PEM"),
        (good[1], good[0], "good.key: holds no certificate in PEM"),
        (torn, good[1], "cannot be used"),
        (good[0], other[1], f"{other[1]} is not the key of the certificate in {good[0]}"),
        (*locked, "locked.key: the key is encrypted"),
    ):
        with pytest.raises(ConfigError) as refused:
            Certificates(certificate, key)
        assert expected in str(refused.value)
        assert "\n" not in str(refused.value)
    file = tmp_path / "bridge.toml"
    file.write_text(f'journal = "sqlite:{tmp_path / "j.db"}"\n{tls_table(good[0], other[1])}')
    command = [sys.executable, "-m", "bridge", "serve", "--listen", "127.0.0.1:0", "--config"]
    ended = subprocess.run(
        [*command, str(file)], capture_output=True, stdin=subprocess.DEVNULL, timeout=30,
        env=environment("http://127.0.0.1:9"), check=False,
    )  # fmt: skip
    lines = ended.stderr.decode().splitlines()
    assert ended.returncode == 78, lines
    assert lines[-1].endswith(f"{other[1]} is not the key of the certificate in {good[0]}")


def test_files_that_stay_away_are_told_once_each_time_they_go(tmp_path: Path) -> None:
    certificate, key = make_pair(tmp_path, "here")
    pair = Certificates(certificate, key)
    with capture_logs() as told:
        for _ in range(2):
            key.rename(tmp_path / "away")
            assert [pair.refresh() for _ in range(3)] == [False] * 3
            (tmp_path / "away").rename(key)
            assert not pair.refresh()
    assert [line["event"] for line in told] == ["tls.certificate_refused"] * 2
