"""The table itself: complete, unambiguous, and what two writings of a code have in common."""

from __future__ import annotations

from collections import Counter

from bridge.core.error_table import WAIT_S, WAIT_WORDS, Wait, code_key
from bridge.core.errors import Retry
from bridge.sources.miosa.errors import ERRORS, FIXED, row_of
from tests.cases import each_case

# What the vendor's page of errors names, copied by hand so that a row cannot be lost unseen.
OF_THE_SEED = """
invalid_token insufficient_scope rate_limit_exceeded NOT_FOUND FORBIDDEN INVALID_ID MISSING_PARAM
VALIDATION_ERROR VALIDATION_FAILED TENANT_RESOLUTION_FAILED INTERNAL_ERROR INSUFFICIENT_CREDITS
SANDBOX_LIMIT_REACHED SANDBOX_NOT_RUNNING AGENT_UNAVAILABLE INVALID_TEMPLATE MISSING_PATH
INVALID_PATH MISSING_FILE INVALID_BODY MISSING_MODE INVALID_PORT SANDBOX_RUNTIME_UNAVAILABLE
TEMPLATE_NOT_FOUND BUILD_NOT_FOUND BUILD_ALREADY_TERMINAL BUILD_NOT_RETRYABLE UNAUTHORIZED
COMPUTER_NOT_RUNNING COMPUTER_NOT_FOUND DEPLOYMENT_NOT_FOUND RUNTIME_TARGET_UNAVAILABLE
RUNTIME_LOGS_UNAVAILABLE EMPTY_ARTIFACT SERVICE_UNAVAILABLE already_deleted DOMAIN_NOT_FOUND
TEMPLATE_NAME_TAKEN
""".split()
OF_THE_CODE = """
SANDBOX_STARTING COMPUTER_STARTING ENVIRONMENT_SCRUB_FAILED SNAPSHOT_NOT_READY RESOURCE_STATE
NO_AGENT_RUN RUN_SESSION_NOT_RESUMABLE OPERATION_NOT_CANCELLABLE MEMBER_LIMIT_REACHED
no_ready_machine TOO_LARGE MACHINE_KEY_SCOPE SANDBOX_NOT_COMMAND_READY IDEMPOTENCY_PAYLOAD_MISMATCH
TEMPLATE_IN_USE TARGET_NOT_RUNNING AGENT_ARCHIVED SNAPSHOT_IN_USE TEAM_MEMBER_CAP_REACHED
CREDIT_REQUIRED AGENT_RUN_FORBIDDEN ORG_NOT_FOUND BUILD_STEP_FAILED BUILDS_TEMPORARILY_UNAVAILABLE
SANDBOX_NOT_FOUND BILL_TO_*
""".split()
SENTENCES = ["missing sse ticket", "snapshot is not in ready state"]


def test_every_code_that_is_known_has_a_row_and_no_row_stands_twice() -> None:
    assert Counter(row.code for row in ERRORS) == Counter(OF_THE_SEED + OF_THE_CODE + SENTENCES)


@each_case("row", ERRORS, ids=lambda row: row.word)
def test_a_row_is_whole(row: object) -> None:
    assert row.meaning  # type: ignore[attr-defined]
    assert row.action  # type: ignore[attr-defined]
    assert row.source in ("seed", "source", "docs", "inferred")  # type: ignore[attr-defined]
    assert row.http
    assert 300 <= row.http[0] < 600


@each_case("row", ERRORS, ids=lambda row: row.word)
def test_only_what_may_be_sent_again_has_a_wait(row: object) -> None:
    is_final = row.retry in (Retry.PERMANENT, Retry.DONE)  # type: ignore[attr-defined]
    assert (row.wait is Wait.NEVER) == is_final  # type: ignore[attr-defined]


def test_a_code_is_found_in_any_writing() -> None:
    for text in ("sandbox_not_found", "Sandbox-Not-Found", " SANDBOX NOT FOUND "):
        row = row_of(text)
        assert row is not None
        assert row.code == "SANDBOX_NOT_FOUND"
    assert row_of("BILL_TO_TEAM_UNKNOWN") is row_of("bill_to_workspace")
    assert row_of("BILLING") is None
    assert row_of("") is None


def test_the_wait_rules_are_whole() -> None:
    assert set(WAIT_S) == set(WAIT_WORDS) == set(Wait)


def test_a_refused_key_is_beyond_any_flag() -> None:
    fixed = {row.code for row in ERRORS if code_key(row.code) in FIXED}
    assert fixed == {
        *("invalid_token", "insufficient_scope", "FORBIDDEN", "UNAUTHORIZED", "missing sse ticket"),
        *("MACHINE_KEY_SCOPE", "AGENT_RUN_FORBIDDEN", "BILL_TO_*", "MEMBER_LIMIT_REACHED"),
        *("no_ready_machine", "BUILD_ALREADY_TERMINAL", "already_deleted"),
    }
