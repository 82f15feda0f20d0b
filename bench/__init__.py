"""Measurements. Each prints its table; none is a condition of a test."""
