"""Builds, starts, reloads and stops the daemon; the only room that imports all others."""
