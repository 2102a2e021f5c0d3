"""Clients: identifiers, search, services, screen."""
