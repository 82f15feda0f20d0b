"""Commands that print or store a secret, in every shape: 100 %, and nothing of the harmless ones."""

from __future__ import annotations

import random
import string
from typing import Any

import pytest

from bridge.redact import Memory, Redactor
from tests.cases import each_case
from tests.corpus.blocks import filled
from tests.corpus.build import Maker, survives, texts_in
from tests.corpus.commands import HARMLESS, PRINTING, STORING, shapes

SHAPES = [name for name, _ in shapes("", "")]


REDACTOR = Redactor()  # an automaton takes a tenth of a second to build


CASES = [*PRINTING, *((command, "ok\n") for command in STORING)]


def told(command: str, output: str, shape: str) -> list[dict[str, Any]]:
    return dict(shapes(command, output))[shape]


def redacted(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    memory = Memory()
    return [REDACTOR.event(event, memory) for event in events]


@pytest.mark.slow
@each_case("shape", SHAPES)
@each_case(("command", "output"), CASES, ids=[command for command, _ in CASES])
def test_what_a_command_prints_or_stores_is_gone(command: str, output: str, shape: str) -> None:
    for seed in range(3):
        both, secrets, _ = filled(Maker(seed), f"{command}\x01{output}")
        events = redacted(told(*both.split("\x01"), shape))
        seen = "\n".join(texts_in(event) for event in events)
        assert not any(survives(secret, seen) for secret in secrets), seen
        assert redacted(events) == events


@each_case("sign", ["\\", "`", "^"])
@each_case(("command", "output"), CASES, ids=[command for command, _ in CASES])
def test_a_command_that_goes_on_below_is_read_to_its_end(
    command: str, output: str, sign: str
) -> None:
    filled_in, secrets, _ = filled(Maker(1), f"{command}\x01{output}")
    command, _, output = filled_in.partition("\x01")
    broken = command.replace(" -", f" {sign}\n    -").replace(" | ", f" {sign}\n  | ")
    seen = texts_in(redacted(told(broken, output, SHAPES[0]))[0])
    assert not any(survives(secret, seen) for secret in secrets), seen


@each_case("command", [command for command, _ in PRINTING if "⟦" not in command])
def test_a_command_that_prints_a_secret_holds_none(command: str) -> None:
    assert REDACTOR.value({"input": {"command": command}}) == {"input": {"command": command}}


@each_case("shape", SHAPES)
@each_case(("command", "output"), HARMLESS)
def test_what_is_no_secret_stays(command: str, output: str, shape: str) -> None:
    events = told(command, output, shape)
    assert redacted(events) == events


P = "tundra" + "Harbor7241"


@each_case(
    "payload",
    [
        {"args": {"command": "pass show db"}, "result": {"success": {"stdout": P, "exitCode": 0}}},
        {"input": {"command": "pass show db"}, "result": {"outcome": {"output": P}}},
        {"input": {"command": "pass show db"}, "metadata": {"output": P}},
        {
            "input": {"command": "pass show db"},
            "output": f"Command: pass\nOutput: {P}\nError: (none)",
        },
        {"input": {"command": "pass show db"}, "output": f"Exit code: 0\nOutput:\n{P}"},
    ],
)
def test_an_output_is_not_missed_in_the_envelope_of_its_agent(payload: dict[str, Any]) -> None:
    assert P not in str(REDACTOR.value(payload))


@each_case(
    ("output", "stays"),
    [("4\n", True), ("debug\n", True), ("eu-west-1\n", True), ("/srv/app2\n", True), (P, False)],
)
def test_a_setting_of_a_store_stays_unless_it_looks_made(output: str, stays: bool) -> None:
    told = {"input": {"command": "doppler secrets get THING --plain"}, "output": output}
    assert (REDACTOR.value(told) == told) is stays


def test_a_password_typed_twice_into_a_program_is_gone_twice() -> None:
    command = f"printf '{P}\\n{P}\\n' | sudo passwd dana"
    assert P not in REDACTOR.text(command)
    assert REDACTOR.text("printf 'one\\nmore\\n' | wc -l") == "printf 'one\\nmore\\n' | wc -l"


T = "9eSnDM4nCktogtUd" + "dIcL3VUllFtOIQdS"


def fragment(text: str) -> dict[str, Any]:
    return {"id": "e", "type": "log", "message": text, "payload": {"kind": "assistant_delta"}}


@pytest.mark.parametrize(
    "secret", ["gh" + "p_" + T + "Zz19", "password = '" + T + "'", "Bearer " + T]
)
def test_a_secret_cut_in_two_fragments_is_gone_from_the_text_they_make(secret: str) -> None:
    for cut in range(1, len(secret)):
        redactor, memory = REDACTOR, Memory()
        parts = [f"I found this: {secret[:cut]}", f"{secret[cut:]} and went on."]
        joined = "".join(redactor.event(fragment(part), memory)["message"] for part in parts)
        assert not survives(T, joined), joined
        assert joined.startswith("I found this: ")
        assert joined.endswith(" and went on.")


def test_a_key_block_in_many_fragments_is_gone() -> None:
    maker = Maker(1)
    lines = [maker.pick("abcdefghijKLMNOP0123456789+/", 64) for _ in range(60)]
    text = "\n".join(
        ["see -----BEGIN PRIVATE" + " KEY-----", *lines, "-----END PRIVATE KEY----- done"]
    )
    redactor, memory = REDACTOR, Memory()
    parts = [text[at : at + 700] for at in range(0, len(text), 700)]
    joined = "".join(redactor.event(fragment(part), memory)["message"] for part in parts)
    assert not any(survives(line, joined) for line in lines)
    assert joined.endswith("done")


def test_ordinary_fragments_stay_as_they_are() -> None:
    redactor, memory = REDACTOR, Memory()
    for part in ("The tests pa", "ss now. The tok", "en budget is 4096, the key", " is `id`.\n"):
        assert redactor.event(fragment(part), memory)["message"] == part


@each_case(
    ("command", "kept"),
    [
        ("snowsql -a xy12345 -u loader -d sales", "xy12345"),
        ("cypher-shell -a bolt2.example.com -u neo4j", "bolt2.example.com"),
        ("sqlcmd -a 4096 -S sql01", "4096"),
    ],
)
def test_an_account_or_address_behind_a_flag_is_no_password(command: str, kept: str) -> None:
    assert kept in REDACTOR.text(command)


@each_case(
    "command",
    [
        "curl -u svc:{} https://x", "mysql -p{} app", "redis-cli -a {} PING", "docker login -u x -p {} ghcr.io", "sshpass -p {} ssh x", "vault login {}",
        "echo {} | docker login --password-stdin", "echo '{}' | docker login x -u ci --password-stdin", "wpa_passphrase Home {}", "gh secret set X --body {}",
        "htpasswd -nb alice {}", "curl -b s={} x", "the root password ({}) was",
        "IDENTIFIED WITH sha256_password BY '{}'", "createHmac('sha256', '{}')", "update s set v='{}' where k='api_token'",
    ],
)  # fmt: skip
def test_no_tail_of_a_long_secret_is_left(command: str) -> None:
    """As long as what `aws ecr get-login-password` prints; patterns read 100 to 500 characters."""
    draw = random.Random(5)
    secret = "".join(draw.choices(string.ascii_letters + string.digits + "+/", k=2_000))
    result = REDACTOR.text(command.format(secret))
    assert not any(secret[at : at + 16] in result for at in range(0, 1_984, 4))
    assert REDACTOR.text(result) == result
