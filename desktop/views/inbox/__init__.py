"""Refused work and its ways out."""

from desktop.views.inbox.screen import InboxScreen

__all__ = ["InboxScreen"]
