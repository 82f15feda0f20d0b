"""The texts of the simulated agents."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Story:
    """One task and the texts that an agent writes while it works on it."""

    prompt: str
    files: tuple[str, ...]
    searches: tuple[str, ...]
    commands: tuple[tuple[str, str], ...]  # command, what it prints
    thoughts: tuple[str, ...]
    summary: str


STORIES: tuple[Story, ...] = (
    Story(
        prompt="Invoices show a wrong total when a coupon is applied twice. Find out why, fix it.",
        files=(
            "src/billing/invoice.ts",
            "src/billing/coupons.ts",
            "src/billing/__tests__/coupons.test.ts",
            "src/billing/rounding.ts",
            "src/routes/checkout.ts",
        ),
        searches=("applyCoupon(", "discountCents", "roundHalfEven", "coupon.code"),
        commands=(
            (
                "pnpm test src/billing",
                "FAIL src/billing/__tests__/coupons.test.ts\n  ✕ a coupon counts once (14 ms)\n"
                "    Expected: 4500\n    Received: 4050\nTests: 1 failed, 22 passed, 23 total",
            ),
            (
                "pnpm test src/billing",
                "PASS src/billing/__tests__/coupons.test.ts\nTests: 23 passed, 23 total\n"
                "Time: 3.812 s",
            ),
            ("pnpm tsc --noEmit", ""),
            ("git diff --stat", " src/billing/coupons.ts | 9 +++++++--\n 1 file changed"),
        ),
        thoughts=(
            "The total is off by exactly the discount, so the coupon is subtracted twice. ",
            "applyCoupon mutates the cart it is given, and checkout calls it on every render. ",
            "I will make the function pure first, then see which callers relied on the mutation. ",
            "The test reproduces it: two calls with the same code give 4050 instead of 4500. ",
            "Rounding is not to blame here; the cents are integers all the way through. ",
            "One more place keeps its own copy of the discount: the invoice preview. ",
        ),
        summary="A coupon was applied on every render because applyCoupon changed its argument. It "
        "now returns a new cart and ignores codes that are already on it. Added a test.",
    ),
    Story(
        prompt="Upgrade the HTTP client to the next major version and repair what breaks.",
        files=(
            "pyproject.toml",
            "app/clients/base.py",
            "app/clients/weather.py",
            "tests/clients/test_retry.py",
            "app/settings.py",
        ),
        searches=("timeout=", "def request(", "raise_for_status", "Retry("),
        commands=(
            (
                "pytest -q tests/clients",
                "F.......F.\nFAILED tests/clients/test_retry.py::test_gives_up_after_three\n"
                "2 failed, 8 passed in 1.94s",
            ),
            ("pytest -q", "......................................\n38 passed in 6.20s"),
            ("ruff check app tests", "All checks passed!"),
            ("mypy app", "Success: no issues found in 41 source files"),
        ),
        thoughts=(
            "The new version splits the timeout into connect and read; ours was one number. ",
            "Let me read the migration notes before touching the call sites. ",
            "Two tests fail, both in the retry policy: the exception class has a new parent. ",
            "I would rather adapt the base client than every caller. ",
            "The type checker agrees now. Running everything once more to be sure. ",
            "The old argument is still accepted, but it warns, and warnings are errors here. ",
        ),
        summary="Moved to the new major version. Time-outs are set in the base client, and the "
        "retry policy catches the new exception. All 38 tests pass.",
    ),
    Story(
        prompt="Add GET /projects/:id/activity with paging, newest first, at most 100 a page.",
        files=(
            "server/routes/projects.go",
            "server/store/activity.go",
            "server/store/activity_test.go",
            "migrations/0042_activity_index.sql",
            "docs/api/projects.md",
        ),
        searches=("func (s *Store) List", "ORDER BY created_at", "pageToken", "ErrNotFound"),
        commands=(
            (
                "go test ./server/store/...",
                "--- FAIL: TestActivityPages (0.02s)\n    activity_test.go:61: page 2 repeats "
                "entry act_19\nFAIL",
            ),
            ("go test ./...", "ok  \tserver/routes\t0.311s\nok  \tserver/store\t0.542s"),
            ("go vet ./...", ""),
            (
                "psql -c 'EXPLAIN SELECT * FROM activity ORDER BY created_at DESC LIMIT 100'",
                "Limit  (cost=0.29..8.61 rows=100 width=214)\n  ->  Index Scan using activity_new",
            ),
        ),
        thoughts=(
            "There is a paging pattern in the members route already; I will follow it. ",
            "created_at alone is no cursor: two entries can share it. The id breaks the tie. ",
            "The planner sorts the whole table without an index, so a migration belongs to this. ",
            "The test caught a repeated entry at the page border: the tie I worried about. ",
            "Unknown projects must give 404 and not an empty page. ",
            "Documenting the route next to its neighbours. ",
        ),
        summary="The route is there, with a cursor of time and id, an index, tests for the page "
        "border, and a section in the API document.",
    ),
    Story(
        prompt="The nightly job sometimes sends the report twice. Make it send it once.",
        files=(
            "jobs/nightly_report.rb",
            "lib/mailer/outbox.rb",
            "spec/jobs/nightly_report_spec.rb",
            "config/schedule.yml",
        ),
        searches=("with_lock", "deliver_later", "perform_at", "idempotency"),
        commands=(
            (
                "bundle exec rspec spec/jobs",
                "....F\n\n1) NightlyReport sends one mail when the worker restarts\n"
                "     expected: 1\n          got: 2\n\n5 examples, 1 failure",
            ),
            ("bundle exec rspec", "Finished in 12.4 seconds\n214 examples, 0 failures"),
            ("bundle exec rubocop jobs lib", "no offenses detected"),
        ),
        thoughts=(
            "The job marks the report as sent after the mail has left; a restart between the two "
            "sends it again. ",
            "A lock would only narrow the window. The outbox table can close it. ",
            "Writing the failing spec first: kill the worker between the two steps. ",
            "The schedule also runs at two o'clock, an hour that happens twice in autumn. ",
            "I keep the public interface of the mailer as it is. ",
        ),
        summary="The mail goes through the outbox in the transaction of the mark, so a restart "
        "cannot repeat it. The schedule is in UTC now.",
    ),
)
