"""The contract's tables of this application, made by Django itself."""

from django.db import models

from tests.backup.foreign.program.fields import NONE, optional
from tests.backup.foreign.program.personal.models import Perfil


class Movimiento(models.Model):
    monto = models.DecimalField(max_digits=10, decimal_places=2)
    descripcion = models.CharField(max_length=200)
    fecha = models.DateField()
    notas = models.TextField(**NONE)
    creado_por = optional(Perfil)
    creado_el = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


class IngresoManual(Movimiento):
    pass


class EgresoManual(Movimiento):
    pass
