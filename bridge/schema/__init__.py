"""The types of settings: tables, durations, sizes, URLs, and the keys of every upstream account."""
