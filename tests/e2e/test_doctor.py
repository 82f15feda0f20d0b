"""The command `doctor`, as a person or a script sees it."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from bridge.simulator import MootSimulator, Simulator
from bridge.simulator.miosa.server import Simulator as MiosaSimulator
from bridge.simulator.miosa.world import SCOPES
from tests.e2e.processes import TOKEN, environment, run

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(
    ("fault", "code", "word"),
    [
        (None, 0, "ok       stream: runs can be followed by stream"),
        ("token", 64, "PROBLEM  token: refused: "),
        ("limit", 75, "PROBLEM  sharing: the token's window is full"),
        ("down", 69, "PROBLEM  server: unreachable: "),
        ("none", 78, "PROBLEM  token: no token for account"),
        ("page", 1, "PROBLEM  server: wrong server: "),
    ],
)
async def test_it_says_what_is_wrong_and_exits_as_check_does(
    fault: str | None, code: int, word: str
) -> None:
    async with Simulator(knobs={"limiter_limit": 0 if fault == "limit" else 60}) as sim:
        env = environment(sim.url)
        match fault:
            case "token":
                sim.set_token(TOKEN, valid=False)
            case "down":
                env["MOGPLEX_BASE_URL"] = "http://127.0.0.1:9"
            case "none":
                del env["MOGPLEX_TOKEN"]
            case "page":
                sim.fault("html_5xx", status=404)
        got, out, err = await run("doctor", env=env)
    assert word in out.decode()
    assert (got, err) == (code, "")
    assert TOKEN not in out.decode()


@pytest.mark.parametrize(
    ("system", "fault", "code", "word"),
    [
        ("moot", None, 0, "ok       stream: the stream opens"),
        ("moot", "token", 64, "PROBLEM  token: "),
        ("moot", "down", 69, "unreachable: "),
        ("miosa", None, 0, "ok       ticket: tickets come from /sse/ticket"),
        ("miosa", "token", 64, "PROBLEM  "),
        ("miosa", "scope", 0, "the key lacks computers:read"),
        ("miosa", "down", 69, "PROBLEM  server: TRANSPORT: cannot connect"),
    ],
)
async def test_it_examines_the_other_systems_too(
    system: str, fault: str | None, code: int, word: str, tmp_path: Path
) -> None:
    key = {"moot": "convo_key_" + "d" * 24, "miosa": "msk_" + "d" * 24}[system]
    async with MootSimulator() as moot, MiosaSimulator() as miosa:
        url = moot.url if system == "moot" else miosa.url
        moot.create_space("sprint-planning", events=3)
        if fault == "token" and system == "moot":
            moot.set_token(key, valid=False)
        elif fault == "token":
            miosa.set_key(key, valid=False)
        elif fault == "scope":
            miosa.set_key(key, scopes=[s for s in SCOPES if s != "computers:read"])
        elif fault == "down":
            url = "http://127.0.0.1:9"
        config = tmp_path / "bridge.toml"
        account = f'system = "{system}"\nbase_url = "{url}"\ntoken_env = "KEY"\n'
        config.write_text(f"[[accounts]]\n{account}")
        env = environment(None, KEY=key)
        got, out, err = await run("doctor", "--config", str(config), env=env)
        checked = await run("check", "--online", "--config", str(config), env=env)
    assert word in out.decode()
    assert (got, err) == (code, "")
    assert checked[0] == code
    assert key not in out.decode() + checked[1].decode() + checked[2]


async def test_as_json_with_two_accounts_of_which_one_is_wrong(tmp_path: Path) -> None:
    async with Simulator(knobs={"stream": "absent"}) as sim:
        config = tmp_path / "bridge.toml"
        config.write_text(
            "".join(
                f'[[accounts]]\nname = "{name}"\nbase_url = "{url}"\ntoken_env = "MOGPLEX_TOKEN"\n'
                for name, url in (("good", sim.url), ("bad", "http://127.0.0.1:9"))
            )
        )
        got, out, err = await run(
            "doctor", "--config", str(config), "--json", env=environment(sim.url)
        )
    assert (got, err) == (69, "")
    value = orjson.loads(out)
    assert value["ok"] is False
    good, bad = value["accounts"]
    assert {f["about"]: f["level"] for f in good["findings"]} == {
        "clock": "ok", "server": "ok", "token": "ok", "scope": "ok", "stream": "note",
    }  # fmt: skip
    assert [(f["level"], f["code"], f["httpStatus"]) for f in bad["findings"]] == [
        ("problem", "TRANSPORT", None)
    ]
