"""The contract's tables of this application, made by Django itself."""

from django.contrib.auth.models import User
from django.db import models

from tests.backup.foreign.program.fields import CASCADE, NONE


class Perfil(models.Model):
    user = models.OneToOneField(User, CASCADE, related_name="+", **NONE)
    nombre_completo = models.CharField(max_length=150)
    telefono = models.CharField(max_length=20)
    email = models.EmailField()
    rol = models.CharField(max_length=20)
    fecha_registro = models.DateTimeField(auto_now_add=True)
    activo = models.BooleanField(default=True)
    foto = models.CharField(max_length=100, **NONE)
    requiere_acceso_sistema = models.BooleanField(default=True)
    especialidad = models.CharField(max_length=100, **NONE)
    numero_colegio = models.CharField(max_length=50, **NONE)
    puede_gestionar_citas = models.BooleanField(default=False)
    puede_gestionar_clientes = models.BooleanField(default=False)
    puede_gestionar_insumos = models.BooleanField(default=False)
    puede_gestionar_personal = models.BooleanField(default=False)
    puede_ver_reportes = models.BooleanField(default=False)
    puede_crear_odontogramas = models.BooleanField(default=False)
