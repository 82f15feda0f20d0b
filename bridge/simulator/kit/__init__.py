"""The parts of every simulated service: time, faults, limits, a log of requests, control.

The kit knows no upstream: words, routes and rules belong to a profile (a folder beside this one).
"""
