"""Clients: search, read, edit in place, enter."""

from desktop.views.clients.screen import ClientsScreen

__all__ = ["ClientsScreen"]
