"""The contract's tables of this application, made by Django itself."""

from django.db import models

from tests.backup.foreign.program.fields import CASCADE, NONE, optional
from tests.backup.foreign.program.pacientes.models import Cliente
from tests.backup.foreign.program.personal.models import Perfil


class TipoServicio(models.Model):
    nombre = models.CharField(max_length=150, unique=True)
    descripcion = models.TextField(**NONE)
    categoria = models.CharField(max_length=20)
    precio_base = models.DecimalField(max_digits=10, decimal_places=2)
    activo = models.BooleanField(default=True)
    requiere_dentista = models.BooleanField(default=True)
    duracion_estimada = models.IntegerField(**NONE)
    creado_el = models.DateTimeField(auto_now_add=True)
    actualizado_el = models.DateTimeField(auto_now=True)
    creado_por = optional(Perfil)


class HorarioDentista(models.Model):
    dentista = models.ForeignKey(Perfil, CASCADE, related_name="+")
    dia_semana = models.IntegerField()
    hora_inicio = models.TimeField()
    hora_fin = models.TimeField()
    activo = models.BooleanField(default=True)
    creado_el = models.DateTimeField(auto_now_add=True)
    actualizado_el = models.DateTimeField(auto_now=True)

    class Meta:
        unique_together = (("dentista", "dia_semana", "hora_inicio", "hora_fin"),)


class Cita(models.Model):
    fecha_hora = models.DateTimeField(unique=True)
    cliente = optional(Cliente)
    paciente_nombre = models.CharField(max_length=150, **NONE)
    paciente_email = models.EmailField(**NONE)
    paciente_telefono = models.CharField(max_length=20, **NONE)
    estado = models.CharField(max_length=20, default="disponible")
    tipo_consulta = models.CharField(max_length=100, **NONE)
    tipo_servicio = optional(TipoServicio)
    precio_cobrado = models.DecimalField(max_digits=10, decimal_places=2, **NONE)
    notas = models.TextField(**NONE)
    notas_paciente = models.TextField(**NONE)
    hora_llegada = models.DateTimeField(**NONE)
    motivo_no_asistencia = models.TextField(**NONE)
    metodo_pago = models.CharField(max_length=20, **NONE)
    motivo_ajuste_precio = models.TextField(**NONE)
    notas_finalizacion = models.TextField(**NONE)
    creada_el = models.DateTimeField(auto_now_add=True)
    actualizada_el = models.DateTimeField(auto_now=True)
    creada_por = optional(Perfil)
    completada_por = optional(Perfil)
    fecha_completada = models.DateTimeField(**NONE)
    dentista = optional(Perfil)
    plan_tratamiento_id = models.BigIntegerField(**NONE)
    fase_tratamiento_id = models.BigIntegerField(**NONE)
    whatsapp_message_sid = models.CharField(max_length=100, **NONE)


class AuditoriaLog(models.Model):
    usuario = optional(Perfil)
    accion = models.CharField(max_length=20)
    modulo = models.CharField(max_length=20)
    descripcion = models.CharField(max_length=500)
    detalles = models.TextField(**NONE)
    ip_address = models.GenericIPAddressField(**NONE)
    fecha_hora = models.DateTimeField(auto_now_add=True)
    objeto_id = models.IntegerField(**NONE)
    tipo_objeto = models.CharField(max_length=100, **NONE)
