"""Every rule with one thing wrong: `python -m tests.prometheus.mutants` lists what nobody notices.

A mutant is one rule with one threshold, comparison, window, `for`, selector, grouping, function or
severity changed. It is dead when `promtool test rules` fails with it; each is run with the tests of
its own alert, beside the recording rules it may read.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PLACE = Path(__file__).parents[2] / "deploy" / "prometheus"
RULES: dict[str, Any] = yaml.safe_load((PLACE / "rules.yml").read_text())
TEST_FILES = ("rules_test.yml", "rules_edges_test.yml", "rules_hours_test.yml")


def _groups() -> Iterator[dict[str, Any]]:
    for name in TEST_FILES:
        file = yaml.safe_load((PLACE / name).read_text())
        for group in file["tests"]:
            yield {"interval_of_rules": file["evaluation_interval"], **group}


TESTS = list(_groups())

# (rule, what is changed) of mutants that mean the same as the rule, with the reason.
_SIGN = "only its sign counts, and the value is not in the text"
_ONE = "there is one series for each of these labels"
SAME: Mapping[tuple[str, str], str] = {
    ("MogplexBridgePollStalled", "increase #1 -> rate"): _SIGN,
    ("MogplexBridgePollStalled", "sum #1 -> max"): _SIGN,
    ("MogplexBridgePollStalled", "sum #2 -> max"): _SIGN,
    ("MogplexBridgeFreshnessBurnFast", "> #1 -> >="): "a ratio of rates is the bound by chance",
    ("MogplexBridgeFreshnessBurnFast", "> #2 -> >="): "a ratio of rates is the bound by chance",
    ("MogplexBridgeBudgetSaturated", "sum #1 -> max"): _ONE,
    ("MogplexBridgeBudgetSaturated", "sum #1 -> min"): _ONE,
    ("MogplexBridgeAuthFailing", "max #1 -> min"): _ONE,
    ("MogplexBridgeRunsGivenUp", "max #1 -> min"): _ONE,
    ("MogplexBridgeTenantSuspended", "max #1 -> min"): _ONE,
    ("MogplexBridgeNoStream", "sum #1 -> max"): _ONE,
    ("MogplexBridgeNoStream", "sum #1 -> min"): _ONE,
    ("MogplexBridgeNoStream", "sum #2 -> max"): _SIGN,
    ("MogplexBridgeNoStream", "sum #3 -> max"): _SIGN,
    ("MogplexBridgeNoStream", "increase #1 -> rate"): _SIGN,
    ("MogplexBridgeGaps", "increase #1 -> rate"): _SIGN,
    ("MogplexBridgeGaps", "sum #1 -> max"): _SIGN,
    ("MogplexBridgeSinkStalled", "increase #1 -> rate"): _SIGN,
    ("MogplexBridgeSinkMissed", "increase #1 -> rate"): _SIGN,
    ("MogplexBridgeSinkMissed", "sum #1 -> max"): _ONE,
    ("MogplexBridgeSinkMissed", "sum #1 -> min"): _ONE,
    ("MogplexBridgeEventLoopSlow", "> #1 -> >="): "a quantile is the bound of a bucket by chance",
    ("MogplexBridgeEventLoopSlow", "rate #1 -> increase"): "a quantile has no scale",
    ("MogplexBridgeEventLoopSlow", "sum #1 -> max"): _ONE,
    ("MogplexBridgeEventLoopSlow", "sum #1 -> min"): _ONE,
}

_WINDOW = re.compile(r"\[(\d+)([smh])(?::\d+[smh])?\]")
_MATCHERS = re.compile(r"\{([^}]*)\}")
_MATCHER = re.compile(r'(\w+)\s*(=~|!=|=)\s*"([^"]*)"')
_GROUPING = re.compile(r"\b(by|on) \(([^)]*)\)")
_SWAPS = (
    (r"(?<![=!<>])>(?!=)", (">=", "<")),
    (r">=", (">", "<")),
    (r"==", ("!=",)),
    (r"\bunless\b", ("and",)),
    (r"\band\b", ("unless", "or")),
    (r"\bor\b", ("and",)),
    (r"\brate\b", ("increase",)),
    (r"\bincrease\b", ("rate",)),
    (r"\bmin_over_time\b", ("max_over_time",)),
    (r"\bmax_over_time\b", ("min_over_time",)),
    (r"\bsum\b", ("max", "min")),
    (r"\bmax\b(?= by)", ("min",)),
    (r"\bclamp_min\b", ("clamp_max",)),
)


@dataclass(frozen=True)
class Mutant:
    rule: str  # name
    kind: str
    change: str
    text: dict[str, Any]  # the rule as it is now


def name_of(rule: Mapping[str, Any]) -> str:
    return str(rule.get("alert") or rule["record"])


def all_rules() -> list[dict[str, Any]]:
    return [rule for group in RULES["groups"] for rule in group["rules"]]


def _at(expr: str, match: re.Match[str], new: str) -> tuple[str, str]:
    """(what is changed, the new expression); `#n` tells equal pieces apart."""
    number = expr[: match.start()].count(match[0]) + 1
    changed = expr[: match.start()] + new + expr[match.end() :]
    return f"{match[0]} #{number} -> {new or 'nothing'}", changed


def _selectors(expr: str) -> Iterator[tuple[str, str, str]]:
    for match in _MATCHERS.finditer(expr):
        parts = [part.strip() for part in match[1].split(", ")]
        for i, part in enumerate(parts):
            found = _MATCHER.fullmatch(part)
            assert found is not None, part
            label, operator, value = found.groups()
            others = [f'{label}{ {"=": "!=", "!=": "=", "=~": "!~"}[operator] }"{value}"', None]
            if operator == "=~":
                words = value.split("|")
                others += [
                    f'{label}=~"{"|".join(words[:n] + words[n + 1 :])}"' for n in range(len(words))
                ]
            for other in others:
                left = [*parts[:i], *([other] if other else []), *parts[i + 1 :]]
                yield "selector", *_at(expr, match, "{" + ", ".join(left) + "}")


def _numbers(expr: str) -> Iterator[tuple[str, str, str]]:
    hidden = [m.span() for p in (_WINDOW, _MATCHERS) for m in p.finditer(expr)]
    for match in re.finditer(r"(?<![\w.:\"])\d+(?:\.\d+)?(?![\w.:])", expr):
        if any(start <= match.start() < end for start, end in hidden):
            continue
        value = float(match[0])
        for new in (1.0, -1.0) if value == 0 else (value * 1.5, value / 2):
            yield "threshold", *_at(expr, match, f"{new:g}")


def _changes(expr: str) -> Iterator[tuple[str, str, str]]:
    """(kind, what is changed, the new expression) of all mutants of one expression."""
    yield from _numbers(expr)
    yield from _selectors(expr)
    for match in _WINDOW.finditer(expr):
        number, unit = int(match[1]), match[2]
        seconds = number * {"s": 1, "m": 60, "h": 3600}[unit]
        rest = match[0].partition(":")[1:]
        step = "".join(rest) or "]"
        for new in (seconds // 3, seconds * 3):
            yield "window", *_at(expr, match, f"[{new}s{step}")
    for match in _GROUPING.finditer(expr):
        labels = match[2].split(", ")
        for i in range(len(labels)):
            left = ", ".join(labels[:i] + labels[i + 1 :])
            yield "grouping", *_at(expr, match, f"{match[1]} ({left})")
    plain = _MATCHERS.sub(lambda m: "#" * len(m[0]), expr)  # nothing is swapped within braces
    for pattern, others in _SWAPS:
        kind = "function" if "_" in pattern or (others[0].isalpha() and len(others[0]) > 6) else ""
        for match in re.finditer(pattern, plain):
            for other in others:
                yield kind or "operator", *_at(expr, match, other)


def mutants_of(rule: dict[str, Any]) -> list[Mutant]:
    name = name_of(rule)
    found = [
        Mutant(name, kind, change, {**rule, "expr": expr})
        for kind, change, expr in _changes(rule["expr"])
    ]
    if "alert" in rule:
        minutes = int(rule.get("for", "0m").removesuffix("m"))
        for new in {0, minutes // 2, minutes * 2, minutes + 5} - {minutes}:
            text = {**rule, "for": f"{new}m"}
            found.append(Mutant(name, "for", f"for {minutes}m -> {new}m", text))
        other = {"critical": "warning", "warning": "critical"}[rule["labels"]["severity"]]
        found.append(Mutant(name, "severity", other, {**rule, "labels": {"severity": other}}))
    return [m for m in found if (m.rule, m.change) not in SAME]


def every_mutant() -> list[Mutant]:
    return [mutant for rule in all_rules() for mutant in mutants_of(rule)]


def _tests_for(name: str) -> list[dict[str, Any]]:
    """The test groups that speak of a rule."""
    groups = []
    for group in TESTS:
        of_alerts = {case["alertname"] for case in group.get("alert_rule_test", ())}
        of_queries = " ".join(case["expr"] for case in group.get("promql_expr_test", ()))
        if name in of_alerts or f'"{name}"' in of_queries or (":" in name and name in of_queries):
            groups.append(group)
    assert groups, f"no test speaks of {name}"
    return groups


def _for_alias(group: dict[str, Any], name: str, alias: str) -> dict[str, list[Any]]:
    """The cases of a group, about the mutant that has this alias."""
    alerts = [
        {**case, "alertname": alias}
        for case in group.get("alert_rule_test", ())
        if case["alertname"] == name
    ]
    queries = []
    for case in group.get("promql_expr_test", ()):
        samples = [
            {**s, "labels": s["labels"].replace(f'"{name}"', f'"{alias}"')}
            for s in case.get("exp_samples", ())
        ]
        expr = case["expr"]
        if ":" in name and name in expr:
            queries.append({**case, "expr": expr.replace(name, alias), "exp_samples": samples})
        elif ":" not in name and "ALERTS{" in expr:
            expr = re.sub(r'alertname!="\w+",? ?', "", expr)
            expr = re.sub(r'alertname="\w+",? ?', "", expr)
            expr = expr.replace("ALERTS{", f'ALERTS{{alertname="{alias}", ')
            queries.append({**case, "expr": expr, "exp_samples": samples})
    return {"alert_rule_test": alerts, "promql_expr_test": queries}


def _named(mutant: Mutant, alias: str) -> dict[str, Any]:
    return {**mutant.text, ("alert" if "alert" in mutant.text else "record"): alias}


def unnoticed(name: str, mutants: Sequence[Mutant], place: Path) -> list[Mutant]:
    """Those mutants of one rule that no test notices; all of them in one run of promtool, each
    under a name of its own. Tests of many hours see only what the others let through.
    """
    groups: dict[tuple[bool, str], list[dict[str, Any]]] = {}
    for group in _tests_for(name):
        is_slow = group.get("name", "").endswith(", slow")
        groups.setdefault((is_slow, group["interval_of_rules"]), []).append(group)
    alive = list(mutants)
    for n, (_, some) in enumerate(sorted(groups.items())):
        if alive:
            (place / str(n)).mkdir(parents=True)
            alive = _alive_after(name, alive, some, place / str(n))
    return alive


def _alive_after(
    name: str, mutants: Sequence[Mutant], groups: Sequence[dict[str, Any]], place: Path
) -> list[Mutant]:
    """Raises AssertionError when promtool does not accept the files."""
    aliases = {f"{name}{'_' if ':' in name else ''}M{n}": m for n, m in enumerate(mutants)}
    dead: set[str] = set()
    recording = [rule for rule in all_rules() if "record" in rule]
    while True:
        left = {alias: m for alias, m in aliases.items() if alias not in dead}
        rules = [*recording, *(_named(m, alias) for alias, m in left.items())]
        mutated = [{"name": "mutants", "interval": "30s", "rules": rules}]
        tests = []
        for group in groups:
            cases: dict[str, list[Any]] = {"alert_rule_test": [], "promql_expr_test": []}
            for alias in left:
                for kind, found in _for_alias(group, name, alias).items():
                    cases[kind] += found
            interval = group["interval_of_rules"]
            tests.append({k: v for k, v in group.items() if k != "interval_of_rules"} | cases)
        (place / "rules.yml").write_text(json.dumps({"groups": mutated}))
        (place / "rules_test.yml").write_text(
            json.dumps(
                {"rule_files": ["rules.yml"], "evaluation_interval": interval, "tests": tests}
            )
        )
        said = _promtool(place)
        told = {alias for alias in left if re.search(rf"\b{re.escape(alias)}\b", said)}
        assert told or "SUCCESS" in said, said[:2000]
        dead |= told
        # A rule that cannot be evaluated ends the test before the others are looked at.
        if not told or not re.search(r"\berr: ", said):
            return [m for alias, m in aliases.items() if alias not in dead]


def _promtool(place: Path) -> str:
    promtool = shutil.which("promtool")
    assert promtool is not None, "no promtool here (Debian: apt-get install prometheus)"
    done = subprocess.run(
        [promtool, "test", "rules", "rules_test.yml"],
        cwd=place, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def survivors(mutants: Sequence[Mutant], place: Path) -> list[Mutant]:
    """Those that no test notices."""
    by_rule: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        by_rule.setdefault(mutant.rule, []).append(mutant)
    return [
        alive
        for n, (name, some) in enumerate(by_rule.items())
        for alive in unnoticed(name, some, place / str(n))
    ]


def main() -> int:
    wanted = sys.argv[1:]
    mutants = [m for m in every_mutant() if not wanted or any(w in m.rule for w in wanted)]
    with tempfile.TemporaryDirectory() as place:
        alive = survivors(mutants, Path(place))
    for mutant in alive:
        sys.stdout.write(f"ALIVE {mutant.rule}: {mutant.kind}: {mutant.change}\n")
    for kind, count in sorted(Counter(m.kind for m in mutants).items()):
        left = sum(m.kind == kind for m in alive)
        sys.stdout.write(f"{kind:10} {count:4} mutants, {left} survive\n")
    sys.stdout.write(f"{len(mutants)} mutants of {len({m.rule for m in mutants})} rules; ")
    sys.stdout.write(f"{len(alive)} survive; {len(SAME)} left out as the same\n")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
