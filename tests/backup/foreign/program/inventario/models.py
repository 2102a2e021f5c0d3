"""A table that means nothing to the clinic's desktop."""

from django.db import models

from tests.backup.foreign.program.citas.models import TipoServicio


class Insumo(models.Model):
    """A table that means nothing to the clinic's desktop."""

    nombre = models.CharField(max_length=100)
    existencias = models.JSONField(default=dict)
    usado_en = models.ManyToManyField(TipoServicio)
