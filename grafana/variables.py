"""What a reader of a dashboard chooses: data source, bridges, accounts, and where links lead."""

from __future__ import annotations

from typing import Any

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
PAGE = "http://127.0.0.1:8080"  # the default of `listen`


def _labels_of(name: str, label: str, query: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "regex": "",
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "hide": 0,
        "options": [],
        "skipUrlSync": False,
    }


def variables(runbooks: str) -> list[dict[str, Any]]:
    """Data source, job, instance, account, and where the runbooks and the page are."""
    info, budget = "mogplex_bridge_build_info", "mogplex_bridge_rate_limit_budget_requests"
    return [
        {
            "name": "datasource",
            "label": "Data source",
            "type": "datasource",
            "query": "prometheus",
            "refresh": 1,
            "regex": "",
            "multi": False,
            "includeAll": False,
            "current": {},
            "hide": 0,
            "options": [],
            "skipUrlSync": False,
        },
        _labels_of("job", "Job", f"label_values({info}, job)"),
        _labels_of("instance", "Instance", f'label_values({info}{{job=~"$job"}}, instance)'),
        _labels_of(
            "account", "Account",
            f'label_values({budget}{{job=~"$job", instance=~"$instance"}}, account)',
        ),
        _place("runbooks", "Runbooks at", runbooks),
        _place("bridge", "Page of a bridge at", PAGE),
    ]  # fmt: skip


def _place(name: str, label: str, url: str) -> dict[str, Any]:
    """A variable for where something is, which a reader may type over."""
    return {
        "name": name,
        "label": label,
        "type": "textbox",
        "query": url,
        "current": {"selected": True, "text": url, "value": url},
        "hide": 0,
        "options": [{"selected": True, "text": url, "value": url}],
        "skipUrlSync": False,
    }
