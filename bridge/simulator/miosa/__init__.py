"""MIOSA as a simulated service: runs, sandboxes, computers, builds, snapshots, deployments, tenant.

It shares no code with the client, so that one mistake cannot hide in both.
"""
