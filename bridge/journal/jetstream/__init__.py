"""The journal of several replicas: one JetStream stream, atomic batches, leases (decision 0019)."""
