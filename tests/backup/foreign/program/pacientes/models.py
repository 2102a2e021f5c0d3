"""The contract's tables of this application, made by Django itself."""

from django.contrib.auth.models import User
from django.db import models

from tests.backup.foreign.program.fields import NONE, SET_NULL, optional
from tests.backup.foreign.program.personal.models import Perfil


class Cliente(models.Model):
    nombre_completo = models.CharField(max_length=150)
    email = models.EmailField(unique=True)
    rut = models.CharField(max_length=12, unique=True, **NONE)
    telefono = models.CharField(max_length=20)
    fecha_nacimiento = models.DateField(**NONE)
    alergias = models.TextField(**NONE)
    fecha_registro = models.DateTimeField(auto_now_add=True)
    activo = models.BooleanField(default=True)
    notas = models.TextField(**NONE)
    user = models.OneToOneField(User, SET_NULL, related_name="+", **NONE)
    dentista_asignado = optional(Perfil)
