"""Secrets by the layout they are kept in."""

from __future__ import annotations

import pytest

from bridge.redact import Redactor

SALTED = "X8nJimxrQQXdDmcAKKUFaUlsKitwO5dx3rxwhhz00hvwgVQzGG233aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV"
P = "tundra" + "Harbor7241"
DATA = "aGVsbG8gd29ybGQ5" + "OTk="


@pytest.mark.parametrize(
    "stored",
    [
        "$2y$10$" + SALTED[:53], "$2b$12$" + SALTED[:53], "$1$mERr$" + SALTED[:22], "$apr1$x7f3aB2c$" + SALTED[:22],
        "$5$saltsalt$" + SALTED[:43], "$6$rounds=5000$saltsalt$" + (SALTED * 2)[:86], "$y$j9T$abcd$" + SALTED[:43],
        "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$" + SALTED[:43], "pbkdf2_sha256$600000$salt12$" + SALTED[:43] + "=",
        "{SSHA}" + SALTED[:32], "{SHA}" + SALTED[:27] + "=",
    ],
)  # fmt: skip
def test_password_hashes_go_with_their_mark(stored: str) -> None:
    assert Redactor().text(f"root:{stored}:19000") == "root:[REDACTED:password-hash]:19000"


@pytest.mark.parametrize(
    "text", ["var $1$2 = $5$;", "costs $1$ or so", "scheme $6$ is SHA-512", "a$2y$10$bc", "{SHA}"]
)
def test_what_only_looks_like_the_mark_stays(text: str) -> None:
    assert Redactor().text(text) == text


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        (f"db.example.com:5432:app:svc:{P}", "db.example.com:5432:app:svc:"),
        (f"*:*:*:postgres:{P}", "*:*:*:postgres:"),
        (f"jdbc:oracle:thin:app/{P}@//db:1521/X", "jdbc:oracle:thin:app/"),
        (f"AUTH default {P}", "AUTH default "),
        (f"okta SSWS 00{P}{P}", "okta SSWS "),
        (f"snmp-server community {P} RW", "snmp-server community "),
    ],
)
def test_a_field_goes_by_its_place(line: str, rest: str) -> None:
    result = Redactor().text(line)
    assert P not in result
    assert result.startswith(rest)


@pytest.mark.parametrize(
    "line",
    ["db:5432: connection refused", "ports: 5432:5432", "db:5432:app database ready", "AUTH on"],
)
def test_addresses_and_words_stay(line: str) -> None:
    assert Redactor().text(line) == line


MANIFESTS = [
    f"kind: Secret\nmetadata:\n  name: x\ndata:\n  odd: {DATA}\n  tls.key: {DATA}\n",
    f"apiVersion: v1\ndata:\n  odd: {DATA}\n  tls.key: {DATA}\nkind: Secret\n",  # as kubectl sorts
    f'kind: Secret\ndata:\n  odd: "{DATA}"\n  tls.key: {DATA}',
]


@pytest.mark.parametrize("manifest", [*MANIFESTS, *(m.replace("\n", "\\n") for m in MANIFESTS)])
def test_every_value_of_a_kubernetes_secret_goes_whatever_its_name(manifest: str) -> None:
    result = Redactor().text(manifest)
    assert DATA not in result
    assert result.count("[REDACTED:") == 2
    assert "odd: " in result


def test_other_objects_beside_it_keep_their_data() -> None:
    text = f"kind: Secret\ntype: Opaque\n---\nkind: ConfigMap\ndata:\n  greeting: {DATA}\n"
    assert Redactor().text(text) == text
    tree = {"items": [{"kind": "ConfigMap", "data": {"a": DATA}}, {"kind": "Secret", "data": {}}]}
    assert Redactor().value(tree) == tree


def test_a_kubernetes_secret_as_a_tree() -> None:
    tree = {"kind": "Secret", "data": {"odd": DATA, "username": "YWRtaW4="}, "type": "Opaque"}
    assert Redactor().value(tree) == {
        "kind": "Secret", "data": {"odd": "[REDACTED:secret]", "username": "YWRtaW4="}, "type": "Opaque",
    }  # fmt: skip


def test_what_is_typed_into_a_password_field_goes_as_a_tree_too() -> None:
    typed = {"selector": "input[name=password]", "text": P}
    assert Redactor().value(typed)["text"] == "[REDACTED:password]"
    assert Redactor().value({"element": "Password field", "text": P})["text"] != P
    searched = {"selector": "#search", "text": "blue shoes 42"}
    assert Redactor().value(searched) == searched
