"""How fresh is what the scheduler delivers? `python -m bench.freshness`, in virtual time.

Compares, on the same synthetic runs and the same server: the vendor's loop (a poll 1.5 s after each
answer, 60 s of sleep after a refusal), paced round robin behind the same exact gate, our
`Scheduler`, a genie that knows the generator but not the future, and an oracle that knows every
event beforehand. Freshness is the time from an event's creation to its arrival here, in seconds.
Traces are invented (`bench/freshness_sim/traces.py`); targets: scheduler.md 8.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from bench import freshness_stream
from bench.freshness_sim.oracle import judge
from bench.freshness_sim.policies import Genie, RoundRobin, VendorLoop
from bench.freshness_sim.traces import FAMILIES, WORKLOADS, Trace, Workload, build
from bench.freshness_sim.world import PAGE, Conditions, Policy, Result, simulate
from bridge.core.pace.schedule import Scheduler
from bridge.core.status import State

Maker = Callable[[list[Trace]], Policy]
POLICIES: dict[str, Maker] = {
    "CLI": lambda _: VendorLoop(),
    "RR": lambda _: RoundRobin(),
    "ours": lambda _: Scheduler(page_events=PAGE),
    "genie": Genie,
}
FOREIGN = {
    "none": "",
    "Poisson 5/min": "poisson 5",
    "Poisson 20/min": "poisson 20",
    "vendor CLI, 5 of 15 min": "cli part",
    "vendor CLI, always": "cli",
    "30 at once, every 400 s": "burst",
}
# Student's t for a two-sided 95 % interval, by degrees of freedom; beyond the table 2.
T_95 = (math.nan, 12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23)


@dataclass(frozen=True)
class Row:
    """One policy on one workload and seed."""

    mean: float
    p95: float
    p99: float
    terminal: float
    age_max: float
    refused_per_h: float
    refused_foreign_per_h: float
    gap_polls: float
    unseen: float  # part of the events
    peak: float


def to_row(result: Result) -> Row:
    delays = sorted(result.delays)
    count = len(delays)
    return Row(
        mean=statistics.fmean(delays) if delays else math.nan,
        p95=delays[int(0.95 * count)] if delays else math.nan,
        p99=delays[int(0.99 * count)] if delays else math.nan,
        terminal=statistics.fmean(result.terminal) if result.terminal else math.nan,
        age_max=result.age_max,
        refused_per_h=result.refused / result.hours,
        refused_foreign_per_h=result.refused_foreign / result.hours,
        gap_polls=result.gap_polls,
        unseen=result.unseen / max(1, count),
        peak=result.peak,
    )


def mean_ci(values: list[float]) -> tuple[float, float]:
    values = [v for v in values if not math.isnan(v)]
    if len(values) < 2:
        return (values[0] if values else math.nan), math.nan
    t = T_95[len(values) - 1] if len(values) <= len(T_95) else 2.0
    return statistics.fmean(values), t * statistics.stdev(values) / math.sqrt(len(values))


def show(value: float, ci: float = math.nan) -> str:
    digits = 2 if abs(value) < 9.95 else 1 if abs(value) < 99.5 else 0
    text = f"{value:.{digits}f}"
    return text if math.isnan(ci) else f"{text} ±{ci:.{digits}f}"


def ratio(above: list[float], below: list[float]) -> str:
    return show(*mean_ci([a / b for a, b in zip(above, below, strict=True) if b]))


def table(head: list[str], rows: list[list[str]]) -> None:
    widths = [max(len(r[i]) for r in [head, *rows]) for i in range(len(head))]
    for row in [head, ["-" * w for w in widths], *rows]:
        print("| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |")
    print()


def measure(
    loads: list[Workload],
    seeds: int,
    world: Conditions,
    policies: dict[str, Maker],
    first_seed: int,
) -> dict[str, dict[str, list[Row]]]:
    """Rows by workload and policy, one for each seed."""
    out: dict[str, dict[str, list[Row]]] = {}
    for load in loads:
        by_policy = out[load.name] = {name: [] for name in policies}
        for seed in range(first_seed, first_seed + seeds):
            traces = build(load, seed, world.until_s + world.drain_s)
            for name, make in policies.items():
                by_policy[name].append(to_row(simulate(traces, make(traces), world, seed)))
    return out


def oracle_means(
    load: Workload, seeds: int, world: Conditions, first_seed: int
) -> tuple[list[float], list[float]]:
    """Means of the feasible oracle and of the lower bound, one for each seed."""
    way_s = sum(world.latency_s) / 4.0  # an event waits half a round trip at least
    feasible, bound = [], []
    for seed in range(first_seed, first_seed + seeds):
        traces = build(load, seed, world.until_s)
        verdict = judge([t.events for t in traces], world.warm_s, world.until_s)
        feasible.append(verdict.feasible + way_s)
        bound.append(verdict.bound + way_s)
    return feasible, bound


def print_freshness(
    loads: list[Workload], seeds: int, world: Conditions, first_seed: int, *, with_oracle: bool
) -> None:
    measured = measure(loads, seeds, world, POLICIES, first_seed)
    rows, details = [], []
    for load in loads:
        by_policy = measured[load.name]
        means = {name: [row.mean for row in by_policy[name]] for name in POLICIES}
        ours = by_policy["ours"]
        feasible, bound = [math.nan], [math.nan]
        oracle_seeds = min(seeds, 2 if load.runs >= 100 else 4)  # it is slow and varies little
        if with_oracle:
            feasible, bound = oracle_means(load, oracle_seeds, world, first_seed)
        is_censored = any(row.unseen > 0.002 for row in by_policy["CLI"])
        rows.append(
            [
                load.name,
                show(mean_ci(means["CLI"])[0]) + (" (a)" if is_censored else ""),
                show(mean_ci(means["RR"])[0]),
                show(*mean_ci(means["ours"])),
                " / ".join(show(mean_ci([getattr(r, f) for r in ours])[0]) for f in ("p95", "p99")),
                show(mean_ci([r.terminal for r in ours])[0]),
                f"{max(r.age_max for r in ours):.0f}",
                show(mean_ci(means["genie"])[0]),
                show(mean_ci(feasible)[0]),
                show(mean_ci(bound)[0]),
                ratio(means["CLI"], means["ours"]),
                ratio(means["RR"], means["ours"]),
                ratio(means["ours"], means["genie"]),
                ratio(means["ours"][: len(feasible)], feasible) if with_oracle else "-",
            ]
        )
        details.append(
            [
                load.name,
                *(show(mean_ci([r.refused_per_h for r in by_policy[n]])[0]) for n in POLICIES),
                *(f"{max(r.age_max for r in by_policy[n]):.0f}" for n in ("CLI", "RR", "ours")),
                *(show(mean_ci([r.p99 for r in by_policy[n]])[0]) for n in ("CLI", "RR", "ours")),
                *(show(mean_ci([r.gap_polls for r in by_policy[n]])[0]) for n in POLICIES),
                f"{max(r.peak for r in ours):.0f}",
            ]
        )
    print(f"Mean freshness in s, ± 95 % over {seeds} seeds; terminal: mean delay of detection")
    head = ["workload", "CLI", "RR paced", "ours", "p95 / p99", "terminal", "max age", "genie"]
    head += ["oracle", "bound", "CLI/ours", "RR/ours", "ours/genie", "ours/oracle"]
    table(head, rows)
    print("(a) some events were never delivered before the end: the true mean is worse\n")
    head = ["workload", *(f"429/h {n}" for n in POLICIES)]
    head += [f"max age {n}" for n in ("CLI", "RR", "ours")]
    head += [f"p99 {n}" for n in ("CLI", "RR", "ours")]
    head += [f"gap polls {n}" for n in POLICIES]
    table([*head, "peak in 60 s, ours"], details)


def print_foreign(seeds: int, world: Conditions, first_seed: int) -> None:
    policies: dict[str, Maker] = {
        "CLI": POLICIES["CLI"],
        "RR, waits 60 s": POLICIES["RR"],
        "ours": POLICIES["ours"],
        "ours, ra_cap 15": lambda _: Scheduler(ra_cap=15.0, page_events=PAGE),
    }
    rows = []
    for name, foreign in FOREIGN.items():
        shared = replace(world, foreign=foreign)
        by_policy = measure([WORKLOADS["20"]], seeds, shared, policies, first_seed)["20 runs"]
        row = [name]
        for measured in by_policy.values():
            cell = [r.mean for r in measured], [r.refused_per_h for r in measured]
            text = " / ".join(show(mean_ci(c)[0]) for c in cell)
            theirs = show(mean_ci([r.refused_foreign_per_h for r in measured])[0])
            row.append(f"{text} / {theirs if foreign else '-'}")
        rows.append(row)
    print("Others on the token, 20 runs: mean freshness s / our 429 per h / their 429 per h")
    table(["foreign use", *policies], rows)


def print_families(seeds: int, first_seed: int, world: Conditions) -> None:
    """Is round robin ever better by more than 2 %? Other generators, other conditions."""
    policies = {name: POLICIES[name] for name in ("RR", "ours")}
    conditions = {
        "": world,
        ", latency x5": replace(world, latency_s=(0.5, 2.0)),
        ", 2 % lost": replace(world, loss=0.02),
        ", no event times": replace(world, with_times=False),
        ", first 200": replace(world, first_window=True),
    }
    rows = []
    for family in ("", *FAMILIES):
        for runs in (2, 5, 20, 60):
            for label, shared in conditions.items():
                if label and runs != 20:
                    continue
                load = Workload(f"{family or 'bursts'}{runs}", runs, family=family)
                got = measure([load], seeds, shared, policies, first_seed)[load.name]
                rr, ours = got["RR"], got["ours"]
                rows.append(
                    [
                        f"{family or 'bursts'}, {runs} runs{label}",
                        show(mean_ci([r.mean for r in rr])[0]),
                        show(*mean_ci([r.mean for r in ours])),
                        ratio([r.mean for r in rr], [r.mean for r in ours]),
                        ratio([r.p99 for r in rr], [r.p99 for r in ours]),
                        f"{max(r.refused_per_h for r in ours):.0f}",
                        f"{max(r.peak for r in ours):.0f}",
                    ]
                )
    print("Other generators and conditions; the aim is RR/ours >= 0.98 everywhere")
    table(["family", "RR paced", "ours", "RR/ours", "p99 RR/ours", "429/h", "peak"], rows)


def print_cost() -> None:
    """Time of one decision, in plain Python on this machine."""
    rows = []
    for count in (20, 200, 1000):
        rng = random.Random(count)
        s: Scheduler[int] = Scheduler(page_events=PAGE)
        s.start(0.0, [])
        for run in range(count):
            s.add(run, 0.0, State.RUNNING)
        now, spent, polls = 0.0, 0.0, 0
        while polls < 500:
            began = time.perf_counter()
            act, value = s.next(now)
            spent += time.perf_counter() - began
            if act == "wait":
                now = value
                continue
            polls += 1
            status = State.PENDING if rng.random() < 0.1 else State.RUNNING
            s.observe(int(value), now + 0.2, [now] * rng.randrange(5), status)
        rows.append([str(count), f"{spent / polls * 1e6:.0f}"])
    print("Cost of a decision, one wait included")
    table(["runs", "µs"], rows)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.freshness", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 seeds, half an hour, no big loads")
    parser.add_argument("--seeds", type=int, default=None, help="default 6")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--runs", default="", help=f"workloads, of {','.join(WORKLOADS)}")
    parser.add_argument("--foreign", action="store_true", help="only: others on the same token")
    parser.add_argument("--families", action="store_true", help="only: other generators")
    parser.add_argument("--no-oracle", action="store_true")
    parser.add_argument(
        "--stream", nargs=argparse.REMAINDER, help="only: by stream, see bench/freshness_stream.py"
    )
    options = parser.parse_args(arguments)
    if options.stream is not None:
        freshness_stream.main(options.stream)
        return
    seeds = options.seeds or (2 if options.quick else 6)
    world = Conditions(until_s=2100.0) if options.quick else Conditions()
    names = [n for n in options.runs.split(",") if n]
    if unknown := [n for n in names if n not in WORKLOADS]:
        parser.error(f"--runs: no workload {unknown[0]!r}; there are {', '.join(WORKLOADS)}")
    if not names:
        big = {"200", "mega120"} if options.quick else set()
        names = [n for n in WORKLOADS if n not in big]
    began = time.perf_counter()
    if options.foreign:
        print_foreign(seeds, world, options.first_seed)
    elif options.families:
        print_families(seeds, options.first_seed, world)
    else:
        loads = [WORKLOADS[n] for n in names]
        print_freshness(loads, seeds, world, options.first_seed, with_oracle=not options.no_oracle)
        print_cost()
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
