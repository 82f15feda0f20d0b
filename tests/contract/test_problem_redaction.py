"""What a client mistyped comes back in a problem document, but for what the operator hides."""

from __future__ import annotations

import json

from bridge.redact import Policy, Redactor
from tests.http_bridge import OTHER_RUN, http_bridge

OURS = "ACME-" + "70417"


async def test_the_patterns_of_the_operator_hold_in_error_texts() -> None:
    before = await _refusal(Redactor())
    problem = json.loads(await _refusal(Redactor(Policy(patterns=(("acme", r"ACME-\d+"),)))))
    assert OURS in before  # no built-in rule knows it: the policy made the difference
    assert OURS not in json.dumps(problem)
    assert "[REDACTED:secret]" in problem["detail"]
    assert problem["code"] == "unknown_account"


async def _refusal(redactor: Redactor) -> str:
    """The body of a PUT for an account that is not configured."""
    async with http_bridge(redactor=redactor) as bridge:
        path = f"{bridge.url}/v1/runs/{OTHER_RUN}?account={OURS}"
        async with bridge.session.put(path) as response:
            return await response.text()
