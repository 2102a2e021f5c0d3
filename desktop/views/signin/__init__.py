"""Signing in."""

from desktop.views.signin.page import SignIn

__all__ = ["SignIn"]
