"""The HTTP server: access, routes, the live page."""
