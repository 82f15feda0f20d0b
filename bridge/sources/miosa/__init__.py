"""MIOSA: runs, sandboxes, computers, builds, snapshots, deployments and the tenant."""
