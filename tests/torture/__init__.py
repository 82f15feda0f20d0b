"""Torture: real processes, killed, starved and lied to; an oracle that is not our code counts.

python -m tests.torture --help
"""
