"""The screen of backups."""

from desktop.views.backups.screen import BackupsScreen

__all__ = ["BackupsScreen"]
