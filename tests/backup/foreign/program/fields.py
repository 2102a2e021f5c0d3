"""What the models of all its applications use."""

from django.db import models

CASCADE, SET_NULL = models.CASCADE, models.SET_NULL
NONE = {"null": True, "blank": True}


def optional(to: object) -> models.ForeignKey:
    return models.ForeignKey(to, SET_NULL, related_name="+", **NONE)
