"""A run told to people: lines for a terminal and for the logs of CI. Pure."""
