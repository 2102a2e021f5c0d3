"""The agenda's screen: a day by practitioner, painted by one widget."""

from desktop.views.agenda.screen import AgendaScreen

__all__ = ["AgendaScreen"]
