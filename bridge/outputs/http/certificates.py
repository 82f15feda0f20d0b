"""TLS: certificate and key from files, read again when they change.

New handshakes use the new certificate; open streams keep their keys. If a new pair cannot be used,
the last good one stays in force.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from bridge.core.errors import ConfigError
from bridge.log import get_logger

_log = get_logger()

_Stamp = tuple[tuple[int, int, int], ...]


class Certificates:
    """The PEM files of one certificate chain and its key.

    Raises:
        ConfigError: A file cannot be read, is encrypted, or does not match the other.
    """

    def __init__(self, certificate_file: Path, key_file: Path) -> None:
        self._files = (certificate_file, key_file)
        self._stamp = self._look()
        self._content = self._bytes()
        self._told = ""  # the last reported error
        self._current = self._read()
        # The listener keeps this context; each handshake switches to the current one.
        self.context = self._read()
        self.context.sni_callback = self._choose

    def adopt(self, other: Certificates) -> None:
        """Take over the files of another instance, which has read them."""
        self._files, self._stamp, self._current = other._files, other._stamp, other._current
        self._content = other._content

    def refresh(self) -> bool:
        """Read the files if they changed; True if new ones are in force. Never raises."""
        try:
            stamp = self._look()
            if stamp == self._stamp:
                self._told = ""
                return False
            self._stamp = stamp  # report a wrong pair once, not at every check
            content = self._bytes()
            if content == self._content:  # moved, touched
                self._told = ""
                return False
            self._current = self._read()
            self._content = content
        except ConfigError as error:
            if self._told != str(error):  # report missing files once, too
                _log.warning("tls.certificate_refused", error=str(error))
            self._told = str(error)
            return False
        self._told = ""
        _log.info("tls.certificate_replaced")
        return True

    def _choose(self, handshake: ssl.SSLObject, _name: str | None, _old: ssl.SSLContext) -> None:
        handshake.context = self._current

    def _look(self) -> _Stamp:
        found = []
        for file in self._files:
            try:
                status = file.stat()
            except OSError as error:
                raise ConfigError(f"tls: {file}: {_reason(error)}") from None
            found.append((status.st_ctime_ns, status.st_size, status.st_ino))
        return tuple(found)

    def _bytes(self) -> tuple[bytes, ...]:
        try:
            return tuple(file.read_bytes() for file in self._files)
        except OSError as error:
            raise ConfigError(f"tls: {error.filename}: {_reason(error)}") from None

    def _read(self) -> ssl.SSLContext:
        certificate, key = self._files
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        self._bytes()  # names an unreadable file, which OpenSSL would not
        try:
            # Without a password function OpenSSL would prompt on the terminal.
            context.load_cert_chain(certificate, key, password=_no_password)
        except (ssl.SSLError, OSError) as error:
            raise ConfigError(_explained(error, certificate, key)) from None
        except _EncryptedError:
            raise ConfigError(
                f"tls: {key}: the key is encrypted; write it without a password (openssl pkey)"
            ) from None
        return context


class _EncryptedError(Exception):
    pass


def _no_password() -> str:
    raise _EncryptedError


def _explained(error: OSError, certificate: Path, key: Path) -> str:
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return f"tls: {key} is not the key of the certificate in {certificate}"
    for file, begin in ((certificate, b"-----BEGIN CERTIFICATE-----"), (key, b"PRIVATE KEY-----")):
        try:
            if begin not in file.read_bytes():
                what = "certificate" if file is certificate else "private key"
                return f"tls: {file}: holds no {what} in PEM (-----BEGIN ...)"
        except OSError as gone:
            return f"tls: {file}: {_reason(gone)}"
    words = getattr(error, "reason", None) or "unknown"
    return (
        f"tls: {certificate} and {key} cannot be used ({words.replace('_', ' ').lower()});"
        " try openssl x509 -noout -in and openssl pkey -noout -in"
    )


def _reason(error: OSError) -> str:
    return (error.strerror or "cannot be read").lower()
