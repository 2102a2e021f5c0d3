"""Widgets, one folder a screen."""
