"""The upstream's own API, served by the bridge from its journal."""
