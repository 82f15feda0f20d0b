"""The adapters that read from upstream: one package per system, all behind one port."""
