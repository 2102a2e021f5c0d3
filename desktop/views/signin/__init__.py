"""Signing in."""

from desktop.views.signin.page import LAST_USERNAME, SignIn
from desktop.views.signin.start import StartWindow

__all__ = ["LAST_USERNAME", "SignIn", "StartWindow"]
