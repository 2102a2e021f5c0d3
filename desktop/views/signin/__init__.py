"""Signing in."""

from desktop.views.signin.page import SignIn
from desktop.views.signin.start import StartWindow

__all__ = ["SignIn", "StartWindow"]
