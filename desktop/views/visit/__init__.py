"""The page of one visit: what it costs, what is paid, and the receipt."""

from desktop.views.visit.screen import VisitScreen

__all__ = ["VisitScreen"]
