"""The contract's tables of this application, made by Django itself."""

from django.db import models

from tests.backup.foreign.program.fields import NONE, optional
from tests.backup.foreign.program.personal.models import Perfil


class InformacionClinica(models.Model):
    nombre_clinica = models.CharField(max_length=200)
    direccion = models.TextField()
    telefono = models.CharField(max_length=20)
    telefono_secundario = models.CharField(max_length=20, **NONE)
    email = models.EmailField()
    email_alternativo = models.EmailField(**NONE)
    horario_atencion = models.TextField()
    sitio_web = models.CharField(max_length=200, **NONE)
    whatsapp = models.CharField(max_length=20, **NONE)
    facebook = models.CharField(max_length=200, **NONE)
    instagram = models.CharField(max_length=100, **NONE)
    notas_adicionales = models.TextField(**NONE)
    actualizado_el = models.DateTimeField(auto_now=True)
    actualizado_por = optional(Perfil)
