"""The shared tables as the contract gives them: every column of theirs and none of ours."""

from django.contrib.auth.models import User
from django.db import models

CASCADE, SET_NULL = models.CASCADE, models.SET_NULL


def optional(to: object, column: str, **more: object) -> models.ForeignKey:
    return models.ForeignKey(
        to, SET_NULL, db_column=column, null=True, blank=True, related_name="+", **more
    )


class Perfil(models.Model):
    user = models.OneToOneField(User, CASCADE, db_column="user_id", null=True, related_name="+")
    nombre_completo = models.CharField(max_length=150)
    telefono = models.CharField(max_length=20)
    email = models.EmailField()
    rol = models.CharField(max_length=20)
    fecha_registro = models.DateTimeField(auto_now_add=True)
    activo = models.BooleanField(default=True)
    foto = models.CharField(max_length=100, null=True)
    requiere_acceso_sistema = models.BooleanField(default=True)
    especialidad = models.CharField(max_length=100, null=True)
    numero_colegio = models.CharField(max_length=50, null=True)
    puede_gestionar_citas = models.BooleanField(default=False)
    puede_gestionar_clientes = models.BooleanField(default=False)
    puede_gestionar_insumos = models.BooleanField(default=False)
    puede_gestionar_personal = models.BooleanField(default=False)
    puede_ver_reportes = models.BooleanField(default=False)
    puede_crear_odontogramas = models.BooleanField(default=False)

    class Meta:
        managed = False
        db_table = "personal_perfil"


class Cliente(models.Model):
    nombre_completo = models.CharField(max_length=150)
    email = models.EmailField(unique=True)
    rut = models.CharField(max_length=12, null=True, unique=True)
    telefono = models.CharField(max_length=20)
    fecha_nacimiento = models.DateField(null=True)
    alergias = models.TextField(null=True)
    fecha_registro = models.DateTimeField(auto_now_add=True)
    activo = models.BooleanField(default=True)
    notas = models.TextField(null=True)
    user = models.OneToOneField(User, SET_NULL, db_column="user_id", null=True, related_name="+")
    dentista_asignado = optional(Perfil, "dentista_asignado_id")

    class Meta:
        managed = False
        db_table = "pacientes_cliente"


class PerfilCliente(models.Model):
    user = models.OneToOneField(User, CASCADE, db_column="user_id", related_name="+")
    nombre_completo = models.CharField(max_length=150)
    telefono = models.CharField(max_length=20)
    email = models.EmailField()
    telefono_verificado = models.BooleanField(default=False)
    rut = models.CharField(max_length=12, null=True)
    fecha_nacimiento = models.DateField(null=True)
    alergias = models.TextField(null=True)

    class Meta:
        managed = False
        db_table = "cuentas_perfilcliente"


class TipoServicio(models.Model):
    nombre = models.CharField(max_length=150, unique=True)
    descripcion = models.TextField(null=True)
    categoria = models.CharField(max_length=20)
    precio_base = models.DecimalField(max_digits=10, decimal_places=2)
    activo = models.BooleanField(default=True)
    requiere_dentista = models.BooleanField(default=True)
    duracion_estimada = models.IntegerField(null=True)
    creado_el = models.DateTimeField(auto_now_add=True)
    actualizado_el = models.DateTimeField(auto_now=True)
    creado_por = optional(Perfil, "creado_por_id")

    class Meta:
        managed = False
        db_table = "citas_tiposervicio"


class Horario(models.Model):
    dentista = models.ForeignKey(Perfil, CASCADE, db_column="dentista_id", related_name="+")
    dia_semana = models.IntegerField()
    hora_inicio = models.TimeField()
    hora_fin = models.TimeField()
    activo = models.BooleanField(default=True)
    creado_el = models.DateTimeField(auto_now_add=True)
    actualizado_el = models.DateTimeField(auto_now=True)

    class Meta:
        managed = False
        db_table = "citas_horariodentista"


class Cita(models.Model):
    fecha_hora = models.DateTimeField()
    cliente = optional(Cliente, "cliente_id")
    paciente_nombre = models.CharField(max_length=150, null=True)
    paciente_email = models.EmailField(null=True)
    paciente_telefono = models.CharField(max_length=20, null=True)
    estado = models.CharField(max_length=20, default="disponible")
    tipo_consulta = models.CharField(max_length=100, null=True)
    tipo_servicio = optional(TipoServicio, "tipo_servicio_id")
    precio_cobrado = models.DecimalField(max_digits=10, decimal_places=2, null=True)
    notas = models.TextField(null=True)
    notas_paciente = models.TextField(null=True)
    hora_llegada = models.DateTimeField(null=True)
    motivo_no_asistencia = models.TextField(null=True)
    metodo_pago = models.CharField(max_length=20, null=True)
    motivo_ajuste_precio = models.TextField(null=True)
    notas_finalizacion = models.TextField(null=True)
    creada_el = models.DateTimeField(auto_now_add=True)
    actualizada_el = models.DateTimeField(auto_now=True)
    creada_por = optional(Perfil, "creada_por_id")
    completada_por = optional(Perfil, "completada_por_id")
    fecha_completada = models.DateTimeField(null=True)
    dentista = optional(Perfil, "dentista_id")
    plan_tratamiento_id = models.BigIntegerField(null=True)
    fase_tratamiento_id = models.BigIntegerField(null=True)
    whatsapp_message_sid = models.CharField(max_length=100, null=True)

    class Meta:
        managed = False
        db_table = "citas_cita"


class Movimiento(models.Model):
    monto = models.DecimalField(max_digits=10, decimal_places=2)
    descripcion = models.CharField(max_length=200)
    fecha = models.DateField()
    notas = models.TextField(null=True)
    creado_por = optional(Perfil, "creado_por_id")
    creado_el = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


class IngresoManual(Movimiento):
    class Meta:
        managed = False
        db_table = "finanzas_ingresomanual"


class EgresoManual(Movimiento):
    class Meta:
        managed = False
        db_table = "finanzas_egresomanual"


class InformacionClinica(models.Model):
    nombre_clinica = models.CharField(max_length=200)
    direccion = models.TextField()
    telefono = models.CharField(max_length=20)
    telefono_secundario = models.CharField(max_length=20, null=True)
    email = models.EmailField()
    email_alternativo = models.EmailField(null=True)
    horario_atencion = models.TextField()
    sitio_web = models.CharField(max_length=200, null=True)
    whatsapp = models.CharField(max_length=20, null=True)
    facebook = models.CharField(max_length=200, null=True)
    instagram = models.CharField(max_length=100, null=True)
    notas_adicionales = models.TextField(null=True)
    actualizado_el = models.DateTimeField(auto_now=True)
    actualizado_por_id = models.BigIntegerField(null=True)

    class Meta:
        managed = False
        db_table = "configuracion_informacionclinica"


class AuditoriaLog(models.Model):
    usuario = optional(Perfil, "usuario_id")
    accion = models.CharField(max_length=20)
    modulo = models.CharField(max_length=20)
    descripcion = models.CharField(max_length=500)
    detalles = models.TextField(null=True)
    ip_address = models.GenericIPAddressField(null=True)
    fecha_hora = models.DateTimeField(auto_now_add=True)
    objeto_id = models.IntegerField(null=True)
    tipo_objeto = models.CharField(max_length=100, null=True)

    class Meta:
        managed = False
        db_table = "citas_auditorialog"
