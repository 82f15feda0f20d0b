"""Values that a sentence ties to their name over an aside."""

from __future__ import annotations

from bridge.redact import Redactor
from tests.cases import each_case

P = "tundra" + "Harbor7241"
D = "ember-bison-" + "4117"
T = "Mke16emLL07JPUej42WL" + "t4Co81KLahqt5teVGqFn"
H = "8d05541cabb02c625a93" + "4bb2ac1fe37ad308425b"
REDACTOR = Redactor()


@each_case(
    ("text", "secret"),
    [
        (f"My token's `{H}`, rotate it later.", H), (f"The api key’s now \"{T}\".", T),
        (f"a hard-coded credential in line 40: `{T}`.", T), (f"the token in config.yml: {T}", T),
        (f"the JWT signing secret, which is \"{T}\".", T), (f"a client secret that was {T}", T),
        (f"Incorrect API key provided: {T}. You can find it in the dashboard.", T),
        (f"new access token issued for the relay: {T}", T), (f"the api token (relay): {T}", T),
        (f"The staging login is `qa@example.org` with password `{D}`.", D),
        (f"Their API token turned out to be {T}.", T), (f"The database password in prod was `{P}`; gone now.", P),
        (f"I logged in with dana@example.org and the password {P}, which worked.", P), (f"Set `ADMIN_PASSWORD` to {P} in the .env.", P),
        (f"The api key is hard-coded in the client: {T}.", T), (f"el token de acceso es {T}", T), (f"Rotate password {D} of svc", D),
        (f"I replaced the leaked key {T} with a variable.", T), (f"Set `ADMIN_PASSWORD` to {D} in the .env.", D), (f"I tried the old password {D} first", D),
        (f"The client secret they gave us, {T}, works with the sandbox.", T), (f"the passphrase you asked for - {P} - works", P),
        (f"Shared secret between the two services ({T}) lives in vault", T), (f"the token for the relay ({T}) expired", T),
        (f"the token that we sent yesterday: {T}", T), (f"the key is {T} for now", T), (f"I authenticate with key {T} there", T), (f"my key: {T}", T),
        (f"I used the credentials dana:{D} from the wiki.", D), (f"with creds svc/{P} it works", P),
    ],
)  # fmt: skip
def test_an_aside_hides_no_value(text: str, secret: str) -> None:
    result = REDACTOR.text(text)
    assert secret not in result
    assert REDACTOR.text(result) == result


@each_case(
    "text",
    [
        "The secret of service A (3f2a9b1c4d5e6f708192a3b4c5d6e7f801234567) was rotated", "the token for the relay (see wiki/tokens/Relay2024Setup.txt) expired",
        "ssh -i ~/.ssh/deploy_key deploy@10.0.0.4 'uptime'", "scp -i /keys/id_ed25519_token a.txt root@web-1.example.com:/tmp/",
        "the key is 3f2a9b1c4d5e6f708192a3b4c5d6e7f801234567", "The key is in /etc/app/Key4Prod9zQw7LmN3xYt2Vb8Rk", "The key is that it never ends",
        "signed with key 9F8E7D6C5B4A39281706F5E4D3C2B1A098765432", "the token we use, once it expires, is renewed", "the secret they keep: nobody reads it", "with key npm-Linux-3f2a9b1c4d5e6f708192a3b4c5d6e7f8", "its key is usersByIdIndexedByTimestamp2024Values",
        "wrong password at line 3: retrying", "token found in src/auth2.ts: see above", "The token's `expires_at` field",
        "password (optional): string", "API key (required): see docs v2", "secret, which is stored in vault/app2",
        "token used in test: test_token_1", "The password in `config/db2.yml`: changed", "Invalid token received: undefined",
        "unexpected token in JSON at position 4: `}`", "use the password grant2 type", "try password-less login",
        "Error: token from cache: 9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d", "the credentials file:line12 is read",
        "Set `token` to step2 of it", "the password in the form is required", "the token is stored in: src/auth2.ts", "the `secret` is read from vault/app2",
        f"sort key {H} is used", "the composite key user2tenant4 is unique", "secret (see RFC6749): must be kept", "password, that is `null` by default", "try the token v2 first",
    ],
)  # fmt: skip
def test_an_aside_that_ends_in_words_stays(text: str) -> None:
    assert REDACTOR.text(text) == text


@each_case(
    "text",
    [
        "buildkite://d04391d6-1f97-4875-b00c-3f6a1655e26e", "GPG_KEY=4173B30698B0B7299E78BA1C383A0F0914649CC2",
        "PGP key 0x9E78BA1C383A0F09", "spotify:track:zD80mb0EPZFe0bFSDyGY7l", "s3://acme-61bcl5yrqgvo-artifacts",
    ],
)  # fmt: skip
def test_an_id_is_not_taken_for_the_secret_that_its_place_suggests(text: str) -> None:
    assert REDACTOR.text(text) == text


def test_an_unknown_scheme_is_not_taken_for_the_secret_that_is_gone() -> None:
    once = REDACTOR.text(f"> Authorization: X-Custom-Thing2 {T}{T}")
    assert once == "> Authorization: X-Custom-Thing2 [REDACTED:authorization]"
    assert REDACTOR.text(once) == once
