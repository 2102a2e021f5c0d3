"""Joining a clinic with an enrolment file."""

from desktop.views.join.wizard import JoinWizard

__all__ = ["JoinWizard"]
