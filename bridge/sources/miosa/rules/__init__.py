"""What is decided about a follow without asking anybody: pure, no clock, no requests."""
