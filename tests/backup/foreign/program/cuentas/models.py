"""The contract's tables of this application, made by Django itself."""

from django.contrib.auth.models import User
from django.db import models

from tests.backup.foreign.program.fields import CASCADE, NONE


class PerfilCliente(models.Model):
    user = models.OneToOneField(User, CASCADE, related_name="+")
    nombre_completo = models.CharField(max_length=150)
    telefono = models.CharField(max_length=20)
    email = models.EmailField()
    telefono_verificado = models.BooleanField(default=False)
    rut = models.CharField(max_length=12, **NONE)
    fecha_nacimiento = models.DateField(**NONE)
    alergias = models.TextField(**NONE)
