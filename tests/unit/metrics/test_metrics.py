"""The catalogue: complete, bounded, cheap, and the page printed from it up to date."""

from __future__ import annotations

import re
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from bridge.core.errors import Failure, Fault, Retry
from bridge.core.event import feed_of
from bridge.core.state import FeedState
from bridge.core.status import State
from bridge.core.words import OwnMetric, SystemWords
from bridge.metrics import PREFIX, Metrics
from bridge.metrics.__main__ import reference_page
from bridge.metrics.words import OTHER, RETRIES
from bridge.redact import RULES
from bridge.sources.mogplex import api as sources
from bridge.sources.mogplex.words import WORDS
from tests.accounts import mogplex_metrics
from tests.cases import each_case

RUN = "3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a10"
OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"

# outside.md 6, typed by hand: the promise to dashboards, not a copy of the code.
PROMISED = """
feeds{account,kind,state} feeds_ended_total{account,kind,state}
runs{account,status} runs_ended_total{account,status} run_duration_seconds{status}
events_total{account,event_type} duplicates_total{account} gaps_total{account,reason}
redactions_total{rule} event_lag_seconds{account} upstream_requests_total{account,endpoint,code}
upstream_errors_total{account,code,retry} upstream_request_duration_seconds{account,endpoint}
rate_limit_hits_total{account} rate_limit_window_requests{account}
rate_limit_budget_requests{account} rate_limit_wait_seconds_total{account,reason}
rate_limit_blocked_until_timestamp_seconds{account} last_poll_success_timestamp_seconds{account}
oldest_poll_timestamp_seconds{account} journal_records journal_bytes
journal_append_duration_seconds journal_head_sequence sink_records_total{sink}
sink_lag_records{sink} sink_errors_total{sink,reason} subscribers{transport}
deliveries_total{transport} subscriber_disconnects_total{transport,reason} subscriber_lag_records
event_loop_lag_seconds build_info{version} config_last_reload_successful
""".split()


def failure(code: str, retry: str = "transient", fault: Fault | None = None) -> Failure:
    return Failure("runs.events", code, "text", Retry(retry), blames=fault)


def run(status: str | None, id_: str = RUN, state: State = State.RUNNING) -> FeedState:
    return FeedState(feed_of("mogplex", "default", "run", id_), status=status, state=state)


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = metrics.render()[0].decode()
    return {
        (s.name, tuple(sorted(s.labels.items()))): s.value
        for family in parse_text(text)
        for s in family.samples
    }


@cache
def before_anything_happened() -> set[tuple[str, frozenset[str]]]:
    """Each sample's name, and its labels."""
    seen = samples(mogplex_metrics(sinks=["out"]))
    return {(name, frozenset(key for key, _ in shown if key != "le")) for name, shown in seen}


@each_case("promise", PROMISED)
def test_every_promised_metric_exists_with_its_labels_before_anything_happened(promise):
    name, _, labels = promise.rstrip("}").partition("{")
    wanted = set(labels.split(",")) - {""}
    found = {
        shown
        for sample, shown in before_anything_happened()
        if sample in (PREFIX + name, PREFIX + name + "_bucket")
    }
    assert found == {frozenset(wanted)}


def test_every_attribute_is_named_as_its_metric():
    metrics = Metrics()
    for name, _, _, _ in metrics.catalogue:
        assert hasattr(metrics, name.removeprefix(PREFIX))


def test_known_label_values_exist_at_zero():
    seen = samples(mogplex_metrics(sinks=["out"], rules=["bearer"]))
    for type_ in (*WORDS.event_types, OTHER):
        key = (PREFIX + "events_total", (("account", "default"), ("event_type", type_)))
        assert seen[key] == 0
    for status in (*WORDS.statuses, OTHER):
        assert seen[PREFIX + "runs", (("account", "default"), ("status", status))] == 0
    assert seen[PREFIX + "sink_errors_total", (("reason", "disk_full"), ("sink", "out"))] == 0
    assert seen[PREFIX + "redactions_total", (("rule", "bearer"),)] == 0


def test_retry_classes_are_those_of_the_failures():
    assert set(RETRIES) == set(Retry)


def test_the_pairs_of_code_and_retry_are_those_of_the_source():
    told = {(code, retry) for code, retry in sources._CODES.items()}
    for status in (302, 401, 403, 404, 408, 429, 500, 502, 503):
        told.add(sources._by_status(status))
    told |= {(sources._redirect(to)[0], sources._redirect(to)[1]) for to in ("/login", "/x", "//[")}
    told |= {("TLS", Retry.PERMANENT), ("TIMEOUT", Retry.TRANSIENT)}
    told |= {("TRANSPORT", Retry.TRANSIENT), ("INVALID_RESPONSE", Retry.TRANSIENT)}
    assert all(retry in WORDS.failures[code] for code, retry in told)


def test_a_pair_that_cannot_be_counts_as_other_and_keeps_what_may_be_done():
    metrics = mogplex_metrics()
    metrics.count_failure("default", failure("TIMEOUT", "permanent"), RUN)
    key = (("account", "default"), ("code", "other"), ("retry", "permanent"))
    assert samples(metrics)[PREFIX + "upstream_errors_total", key] == 1


@pytest.mark.slow
def test_ten_thousand_runs_and_hostile_words_make_no_new_series():
    metrics = mogplex_metrics(sinks=["a", "b"], rules=RULES)
    before, codes = samples(metrics).keys(), [*WORDS.failures, OTHER]
    for i in range(10_000):
        id_ = f"{i:08d}-6a3e-4f0e-9d3b-0d8f3c5b7a10"
        metrics.count_events("default", [f"type-{i}", "log"], [float(i % 90)], id_)
        metrics.count_request("default", f"path.{i}", f"CODE_{i}", 0.1, id_)
        retry = RETRIES[i % len(RETRIES)]
        metrics.count_failure("default", failure(f"CODE_{i}", retry), id_)
        code = codes[i % len(codes)]
        metrics.count_failure("default", failure(code, RETRIES[i // 7 % len(RETRIES)]), id_)
        metrics.count_gap("default", f"reason-{i}", id_)
        metrics.count_ended(run(f"status-{i}", id_), 60.0)
        metrics.count_redactions({f"word-{i}": 1})
        metrics.set_feeds(["default"], [run(f"status-{i}", id_)])
    after = samples(metrics)
    assert after.keys() == before
    assert len(after) <= 600
    by_label = Counter(label for _, labels in after for label, _ in labels)
    sys.stdout.write(f"{len(after)} series after 10,000 runs, by label: {by_label.most_common()}\n")
    page = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text()
    account, sink, once = re.findall(
        r"(\d+) for each Mogplex account.* (\d+) for each output, (\d+) once", page
    )[0]
    assert len(after) == int(account) + 2 * int(sink) + int(once) + len(RULES)
    other = (("account", "default"), ("event_type", "other"))
    assert after[PREFIX + "events_total", other] == 10_000


def test_upstreams_words_and_cloudevents_types_count_the_same_series():
    metrics = mogplex_metrics()
    metrics.count_events("default", ["log", "com.mogplex.run.event.log", "x.event.y.log"])
    seen = samples(metrics)
    assert seen[PREFIX + "events_total", (("account", "default"), ("event_type", "log"))] == 2
    assert seen[PREFIX + "events_total", (("account", "default"), ("event_type", "other"))] == 1


def test_openmetrics_carries_the_run_id_as_exemplar_and_plain_text_does_not():
    metrics = mogplex_metrics()
    metrics.count_events("default", ["log"], [0.2, 7.0, 1.5], RUN)
    metrics.count_failure("default", failure("TIMEOUT"), RUN)
    body, content_type = metrics.render(OPENMETRICS)
    assert content_type.startswith("application/openmetrics-text")
    exemplars = {
        (s.name, s.labels.get("le")): (s.exemplar.labels, s.exemplar.value)
        for family in parse_openmetrics(body.decode())
        for s in family.samples
        if s.exemplar
    }
    assert exemplars == {
        (PREFIX + "event_lag_seconds_bucket", "10.0"): ({"run_id": RUN}, 7.0),
        (PREFIX + "upstream_errors_total", None): ({"run_id": RUN}, 1.0),
    }
    plain, content_type = metrics.render("text/plain")
    assert content_type.startswith("text/plain")
    assert RUN.encode() not in plain


def test_an_id_too_long_for_an_exemplar_is_left_out():
    metrics = mogplex_metrics()
    metrics.count_gap("default", "window_jumped", "x" * 4000)
    assert b"xxxx" not in metrics.render(OPENMETRICS)[0]


@pytest.mark.parametrize(
    "values", [[], [0.0], [0.05], [0.050001], [300.0], [301.0], [1, 1, 1, 5, 0.3, 900, 60, 60.5]]
)
def test_a_batch_falls_into_the_buckets_one_by_one_would(values):
    metrics = mogplex_metrics()
    metrics.count_events("default", ["log"] * len(values), values)
    seen = samples(metrics)
    for (name, labels), value in seen.items():
        if name == PREFIX + "event_lag_seconds_bucket":
            bound = float(dict(labels)["le"])
            assert value == sum(v <= bound for v in values), bound
    account = (("account", "default"),)
    assert seen[PREFIX + "event_lag_seconds_sum", account] == pytest.approx(sum(values))
    assert seen[PREFIX + "event_lag_seconds_count", account] == len(values)


def test_runs_not_asked_yet_show_as_pending_and_vanished_statuses_fall_to_zero():
    metrics = mogplex_metrics()
    asked = [run(None), run(None), run("pending")]
    metrics.set_feeds(["default"], [*asked, *[run("streaming")] * 4])
    metrics.set_feeds(["default"], asked)
    seen = samples(metrics)
    assert seen[PREFIX + "runs", (("account", "default"), ("status", "pending"))] == 3
    assert seen[PREFIX + "runs", (("account", "default"), ("status", "streaming"))] == 0


def test_feeds_are_counted_by_kind_and_state():
    metrics = mogplex_metrics()
    metrics.set_feeds(["default"], [run("awaiting_input", state=State.WAITING), run("streaming")])
    metrics.count_ended(run("success", state=State.SUCCEEDED), None)
    seen = samples(metrics)

    def of(name: str, state: str) -> float:
        return seen[name, (("account", "default"), ("kind", "run"), ("state", state))]

    assert [of(PREFIX + "feeds", state) for state in ("running", "waiting", "failed")] == [1, 1, 0]
    assert of(PREFIX + "feeds_ended_total", "succeeded") == 1


def test_feeds_of_an_account_that_is_gone_make_no_series():
    metrics = mogplex_metrics()
    metrics.remove_account("default")
    metrics.set_feeds([], [run("streaming")])
    assert not [labels for _, labels in samples(metrics) if ("account", "default") in labels]


def test_an_account_has_no_series_with_words_of_another_system():
    own = OwnMetric("stream_connects_total", "counter", "Streams.", {"result": ("ok", "refused")})
    words = SystemWords(kinds=("space",), event_types=("message",), metrics=(own,))
    metrics = Metrics({"default": WORDS, "moot": words})
    of_moot = [dict(labels) for (_, labels) in samples(metrics) if ("account", "moot") in labels]
    told = {
        value
        for labels in of_moot
        for key, value in labels.items()
        if key not in ("account", "state")  # the words of all systems
    }
    theirs = {*WORDS.event_types, *WORDS.statuses, *WORDS.failures, *WORDS.endpoints, *WORDS.kinds}
    assert told & theirs == set()
    assert {"space", "message", "refused"} <= told
    metrics.own["stream_connects_total"].labels("moot", "ok").inc()
    connects = [labels for name, labels in samples(metrics) if "stream_connects" in name]
    assert {dict(labels)["account"] for labels in connects} == {"moot"}
    metrics.remove_account("moot")
    assert not [labels for _, labels in samples(metrics) if ("account", "moot") in labels]


def test_a_rate_limit_answer_counts_as_hit():
    metrics = mogplex_metrics()
    for fault in Fault:
        metrics.count_failure("default", failure("ANY", fault=fault))
    assert samples(metrics)[PREFIX + "rate_limit_hits_total", (("account", "default"),)] == 1


def test_the_reference_page_is_up_to_date():
    page = Path(__file__).parents[3] / "docs" / "metrics.md"
    assert page.read_text() == reference_page(), "python -m bridge.metrics > docs/metrics.md"
