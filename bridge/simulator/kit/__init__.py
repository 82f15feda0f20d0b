"""What every simulated service is made of: time, faults, limits, a log of requests, control.

It knows no upstream: words, routes and rules are those of a profile (a folder beside this one).
"""
