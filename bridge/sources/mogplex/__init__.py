"""Mogplex runs as feeds: the API's dialect and how a run is followed."""
