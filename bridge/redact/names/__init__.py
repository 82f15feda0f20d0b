"""What does a name say? Words, issuers, verdicts."""
