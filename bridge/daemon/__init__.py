"""The daemon: builds, starts, exchanges and stops; the one room that knows every other."""
