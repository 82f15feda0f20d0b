"""`run`: starts a run, through a bridge or directly upstream."""

from __future__ import annotations

import uuid
from typing import Any

import click

from bridge.cli.exits import Exit
from bridge.cli.guarding import guarded_text
from bridge.cli.options import examples
from bridge.cli.run_options import (
    answered,
    api_of,
    api_options,
    print_json,
    tell_run,
    timeout_option,
)
from bridge.cli.streams import say, write_stdout


@click.command(
    epilog=examples(
        'mogplex-bridge run "Fix it." --repo 8f3a2b1c-1234-4abc-9def-1234567890ab --follow',
        'mogplex-bridge run "Update the docs." --repo $REPO --follow --url http://127.0.0.1:8080',
    )
)
@click.argument("prompt")
@click.option("--repo", required=True, metavar="ID", help="The repo's id.")
@click.option("--harness", metavar="NAME", help="codex, claude-code, ... [upstream: codex].")
@click.option("--base-branch", metavar="NAME", help="Branch to start from.")
@click.option("--working-branch", metavar="NAME", help="Branch to work on.")
@click.option("--create-branch", is_flag=True, help="Create the working branch.")
@click.option("--root-directory", metavar="PATH", help="Directory in the repo.")
@click.option("--mode", metavar="NAME", help="SAFE, AUTO, YOLO, ...")
@click.option(
    "--idempotency-key",
    metavar="KEY",
    help="The same key returns the same run [default: a new key, printed on stderr].",
)
@click.option("--follow", is_flag=True, help="Print the run's events until it is over.")
@timeout_option
@click.option("--json", "as_json", is_flag=True, help="Print what the API answers, as JSON.")
@api_options
def run(
    prompt: str, *, repo: str, follow: bool, timeout_s: float, as_json: bool, **more: Any
) -> Exit:
    """Start a run of PROMPT, and with --follow print its events.

    Exit codes: 0 done (also when the run failed), 1 failed or timed out, 2 usage, 64 token refused,
    65 forbidden, 69 unavailable, 75 rate limited, 78 bad configuration.
    """
    api = api_of(more)
    key = more.pop("idempotency_key") or str(uuid.uuid4())
    if not (key.isascii() and key.isprintable()):  # it becomes a header
        raise click.UsageError("--idempotency-key must consist of printable ASCII characters.")
    say(f"idempotency key: {key}")
    asked: dict[str, Any] = {"repoId": repo, "prompt": prompt}
    for option, name in (
        ("harness", "harness"), ("base_branch", "baseBranch"),
        ("working_branch", "workingBranch"), ("root_directory", "rootDirectory"),
        ("mode", "mode"),
    ):  # fmt: skip
        if more[option] is not None:
            asked[name] = more[option]
    if more["create_branch"]:
        asked["createBranch"] = True

    def work() -> Exit:
        from bridge.wire.jsontext import dumps  # noqa: PLC0415 - `--help` needs none

        data = api.post("/runs", dumps(asked), Idempotency_Key=key, Content_Type="application/json")
        run_id = str(data.get("runId"))
        if not follow:
            if as_json:
                print_json(data)
            else:
                write_stdout(f"{guarded_text(run_id)}\n".encode())
            return Exit.DONE
        say(f"run {run_id} {data.get('status')}")
        return tell_run(api, run_id, timeout_s, as_json=as_json)

    return answered(work)
