"""What a setting may be: tables, durations, sizes, URLs, and what every upstream account has."""
