"""The pure rules of a follow: no clock, no requests."""
