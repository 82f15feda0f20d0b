"""The dashboards, as tables in code; `python -m grafana` writes the JSON files beside it."""
