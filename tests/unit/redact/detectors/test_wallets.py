"""Wallets, keys beside the word for them, couples, phrases, Secrets in JSON: and what looks alike."""

from __future__ import annotations

import json

from bridge.redact import Redactor
from tests.cases import each_case
from tests.corpus.blocks import filled
from tests.corpus.build import Maker, survives

P = "Lupin-Quarry" + "8145"
K = "wR7kd92LmQ" + "x4Tz8nVb3cYq5sHd"

SLOTS = [
    "Seed: ⟦M12⟧", "Wallet seed:\n⟦M12⟧", "my 12 words are ⟦M12⟧", "write these down: ⟦M24⟧",
    "stellar: ⟦SCZANGBA5YHTNYVVV4C3U252E2B6P6F5T3U6MM63WBSBZATAQI3EBTQ4⟧ (testnet)",
    "XRP seed: ⟦sn3nxiW7v8KXzPzAqzyHXbSSKNuN9⟧", "⟦MTA{a22}.{w6}.{w30}⟧ discord bot",
    "⟦AKIA{u16}⟧ ⟦b40⟧", "⟦LTAI{a20}⟧ / ⟦a30⟧ (aliyun)", "⟦xaat-{U}⟧", "⟦pylf_v1_eu_{a43}⟧",
    "creds for the demo box are admin / ⟦PA⟧", "Creds for staging: svc-report : ⟦PA⟧", "logins for staging: dana:⟦PA⟧",
    "- anna: ⟦PA⟧ (password)\n- bo: not yet", "use ⟦PA⟧ (the password) to get in",
    "The passphrase of the backup key is: ⟦W⟧", "&lt;password&gt;⟦PA⟧&lt;/password&gt;",
    '{"apiVersion":"v1","kind":"Secret","data":{"k":"⟦BP2⟧"},"metadata":{"name":"k1"}}',
    '{"data":{"pw":"⟦BP2⟧"},"kind":"Secret","type":"Opaque"}', "S: 334 UGFzc3dvcmQ6\nC: ⟦BP2⟧\nS: 235 ok",
    "+ export SONAR_LOGIN=⟦h40⟧\n+ mvn verify",
]  # fmt: skip
HARMLESS = [
    "Seed: 42", "words: the quick brown fox jumps over the lazy dog and then runs away home again",
    "seed words for the garden: plant them early every spring when frost ends outside soon",
    "stellar work on the scenario", "discord server invite Mxyz.Abc12.Def", "AKIA is a prefix / see docs",
    "login for admins: src/auth/login2.ts", "credentials for bo: not yet", "Version2.4.9b (token support)",
    "see Section22b (password rules)", "sua conta2207 foi criada", "the passphrase is stored in the keychain",
    '{"kind":"Secret","metadata":{"name":"App2207x"},"data":{"username":"U3ZjMjIwN3g="}}',
    '{"kind":"SecretList","items":[{"name":"App2207x"}]}', "&lt;password&gt;required&lt;/password&gt;",
    "auth.secret=Sekret", "login.password=Heslo", "form.secret=Segredo",
]  # fmt: skip


@each_case("block", SLOTS)
def test_a_key_or_a_phrase_goes(block: str) -> None:
    for seed in range(3):
        whole, secrets, around = filled(Maker(seed), block)
        for said in (whole, json.dumps({"text": whole})):
            result = Redactor().text(said)
            assert not any(survives(secret, result) for secret in secrets), result
            assert Redactor().text(result) == result
        assert all(piece in Redactor().text(whole) for piece in around)


@each_case("text", HARMLESS)
def test_what_looks_like_one_stays(text: str) -> None:
    assert Redactor().text(text) == text


def test_a_key_seed_of_nats_goes() -> None:
    seed = "SUA" + "KQ4M7" * 11
    text = f"-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------"
    assert seed not in Redactor().text(text)
    assert Redactor().text(text).endswith("------END USER NKEY SEED------")


def test_a_variable_of_an_environment_ends_at_the_zero_between_them() -> None:
    text = f"PATH=/bin\0API_TOKEN={K}\0HOME=/root"
    assert Redactor().text(text) == text.replace(K, "[REDACTED:token]")


def test_a_password_is_told_beside_its_user() -> None:
    assert P not in Redactor().text(f"credentials for prod: app / {P}")
