"""The first schema: the shared tables of the contract, and rooms, money and session notes.

Revision: 0001, the first.
"""

import sqlalchemy as sa

from alembic import op
from desktop.models.base import NOW, reference
from desktop.models.cache_form import create_table
from desktop.models.types import Amount, BigId, InetText, Instant
from sync.server import executor, install_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "agenda_sala",
    "auth_user",
    "configuracion_ajuste",
    "configuracion_informacionclinica",
    "cuentas_perfilcliente",
    "personal_perfil",
    "citas_auditorialog",
    "citas_horariodentista",
    "citas_tiposervicio",
    "finanzas_egresomanual",
    "finanzas_ingresomanual",
    "pacientes_cliente",
    "citas_cita",
    "finanzas_recibo",
    "clinica_notasesion",
    "finanzas_cargo",
    "finanzas_pago",
    "caja_movimiento",
    "finanzas_asignacion",
)


def upgrade() -> None:
    create_table(
        op,
        "agenda_sala",
        sa.Column("id", BigId, sa.Identity(), primary_key=True),
        sa.Column("nombre", sa.String(100), nullable=False, unique=True),
        sa.Column("orden", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("activa", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("creada_el", Instant(), nullable=False, server_default=NOW),
    )
    create_table(
        op,
        "auth_user",
        sa.Column("id", sa.Integer(), sa.Identity(), primary_key=True),
        sa.Column("password", sa.String(128), nullable=False),
        sa.Column("last_login", Instant()),
        sa.Column("is_superuser", sa.Boolean(), nullable=False),
        sa.Column("username", sa.String(150), nullable=False, unique=True),
        sa.Column("first_name", sa.String(150), nullable=False),
        sa.Column("last_name", sa.String(150), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("is_staff", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("date_joined", Instant(), nullable=False),
    )
    create_table(
        op,
        "configuracion_ajuste",
        sa.Column("id", BigId, sa.Identity(), primary_key=True),
        sa.Column("clave", sa.String(100), nullable=False, unique=True),
        sa.Column("valor", sa.Text(), nullable=False),
        sa.Column("actualizado_el", Instant(), nullable=False, server_default=NOW),
    )
    create_table(
        op,
        "configuracion_informacionclinica",
        sa.Column("id", BigId, sa.Identity(), primary_key=True),
        sa.Column("nombre_clinica", sa.String(200), nullable=False),
        sa.Column("direccion", sa.Text(), nullable=False),
        sa.Column("telefono", sa.String(20), nullable=False),
        sa.Column("telefono_secundario", sa.String(20)),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("email_alternativo", sa.String(254)),
        sa.Column("horario_atencion", sa.Text(), nullable=False),
        sa.Column("sitio_web", sa.String(200)),
        sa.Column("whatsapp", sa.String(20)),
        sa.Column("facebook", sa.String(200)),
        sa.Column("instagram", sa.String(100)),
        sa.Column("notas_adicionales", sa.Text()),
        sa.Column("actualizado_el", Instant(), nullable=False),
        sa.Column("actualizado_por_id", BigId),
    )
    create_table(
        op,
        "cuentas_perfilcliente",
        sa.Column("id", BigId, sa.Identity(), primary_key=True),
        sa.Column(
            "user_id",
            sa.Integer(),
            reference("auth_user", on_delete="CASCADE"),
            nullable=False,
            unique=True,
        ),
        sa.Column("nombre_completo", sa.String(150), nullable=False),
        sa.Column("telefono", sa.String(20), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("telefono_verificado", sa.Boolean(), nullable=False),
        sa.Column("rut", sa.String(12)),
        sa.Column("fecha_nacimiento", sa.Date()),
        sa.Column("alergias", sa.Text()),
    )
    create_table(
        op,
        "personal_perfil",
        sa.Column("id", BigId, sa.Identity(), primary_key=True),
        sa.Column(
            "user_id", sa.Integer(), reference("auth_user", on_delete="CASCADE"), unique=True
        ),
        sa.Column("nombre_completo", sa.String(150), nullable=False),
        sa.Column("telefono", sa.String(20), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("rol", sa.String(20), nullable=False),
        sa.Column("fecha_registro", Instant(), nullable=False),
        sa.Column("activo", sa.Boolean(), nullable=False),
        sa.Column("foto", sa.String(100)),
        sa.Column("requiere_acceso_sistema", sa.Boolean(), nullable=False),
        sa.Column("especialidad", sa.String(100)),
        sa.Column("numero_colegio", sa.String(50)),
        sa.Column("puede_gestionar_citas", sa.Boolean(), nullable=False),
        sa.Column("puede_gestionar_clientes", sa.Boolean(), nullable=False),
        sa.Column("puede_gestionar_insumos", sa.Boolean(), nullable=False),
        sa.Column("puede_gestionar_personal", sa.Boolean(), nullable=False),
        sa.Column("puede_ver_reportes", sa.Boolean(), nullable=False),
        sa.Column("puede_crear_odontogramas", sa.Boolean(), nullable=False),
    )
    create_table(
        op,
        "citas_auditorialog",
        sa.Column("id", BigId, sa.Identity(), primary_key=True),
        sa.Column("usuario_id", BigId, reference("personal_perfil", on_delete="SET NULL")),
        sa.Column("accion", sa.String(20), nullable=False),
        sa.Column("modulo", sa.String(20), nullable=False),
        sa.Column("descripcion", sa.String(500), nullable=False),
        sa.Column("detalles", sa.Text()),
        sa.Column("ip_address", InetText),
        sa.Column("fecha_hora", Instant(), nullable=False, index=True),
        sa.Column("objeto_id", sa.Integer()),
        sa.Column("tipo_objeto", sa.String(100)),
    )
    create_table(
        op,
        "citas_horariodentista",
        sa.Column("id", BigId, sa.Identity(), primary_key=True),
        sa.Column(
            "dentista_id", BigId, reference("personal_perfil", on_delete="CASCADE"), nullable=False
        ),
        sa.Column("dia_semana", sa.Integer(), nullable=False),
        sa.Column("hora_inicio", sa.Time(), nullable=False),
        sa.Column("hora_fin", sa.Time(), nullable=False),
        sa.Column("activo", sa.Boolean(), nullable=False),
        sa.Column("creado_el", Instant(), nullable=False),
        sa.Column("actualizado_el", Instant(), nullable=False),
        sa.UniqueConstraint("dentista_id", "dia_semana", "hora_inicio", "hora_fin"),
    )
    create_table(
        op,
        "citas_tiposervicio",
        sa.Column("id", BigId, sa.Identity(), primary_key=True),
        sa.Column("nombre", sa.String(150), nullable=False, unique=True),
        sa.Column("descripcion", sa.Text()),
        sa.Column("categoria", sa.String(20), nullable=False),
        sa.Column("precio_base", Amount(10), nullable=False),
        sa.Column("activo", sa.Boolean(), nullable=False),
        sa.Column("requiere_dentista", sa.Boolean(), nullable=False),
        sa.Column("duracion_estimada", sa.Integer()),
        sa.Column("creado_el", Instant(), nullable=False),
        sa.Column("actualizado_el", Instant(), nullable=False),
        sa.Column("creado_por_id", BigId, reference("personal_perfil", on_delete="SET NULL")),
    )
    create_table(
        op,
        "finanzas_egresomanual",
        sa.Column("id", BigId, sa.Identity(), primary_key=True),
        sa.Column("monto", Amount(10), nullable=False),
        sa.Column("descripcion", sa.String(200), nullable=False),
        sa.Column("fecha", sa.Date(), nullable=False),
        sa.Column("notas", sa.Text()),
        sa.Column("creado_por_id", BigId, reference("personal_perfil", on_delete="SET NULL")),
        sa.Column("creado_el", Instant(), nullable=False),
    )
    create_table(
        op,
        "finanzas_ingresomanual",
        sa.Column("id", BigId, sa.Identity(), primary_key=True),
        sa.Column("monto", Amount(10), nullable=False),
        sa.Column("descripcion", sa.String(200), nullable=False),
        sa.Column("fecha", sa.Date(), nullable=False),
        sa.Column("notas", sa.Text()),
        sa.Column("creado_por_id", BigId, reference("personal_perfil", on_delete="SET NULL")),
        sa.Column("creado_el", Instant(), nullable=False),
    )
    create_table(
        op,
        "pacientes_cliente",
        sa.Column("id", BigId, sa.Identity(), primary_key=True),
        sa.Column("nombre_completo", sa.String(150), nullable=False),
        sa.Column("email", sa.String(254), nullable=False, unique=True),
        sa.Column("rut", sa.String(12), unique=True),
        sa.Column("telefono", sa.String(20), nullable=False),
        sa.Column("fecha_nacimiento", sa.Date()),
        sa.Column("alergias", sa.Text()),
        sa.Column("fecha_registro", Instant(), nullable=False),
        sa.Column("activo", sa.Boolean(), nullable=False),
        sa.Column("notas", sa.Text()),
        sa.Column(
            "user_id", sa.Integer(), reference("auth_user", on_delete="SET NULL"), unique=True
        ),
        sa.Column(
            "dentista_asignado_id",
            BigId,
            reference("personal_perfil", on_delete="SET NULL"),
            index=True,
        ),
    )
    create_table(
        op,
        "citas_cita",
        sa.Column("id", BigId, sa.Identity(), primary_key=True),
        sa.Column("fecha_hora", Instant(), nullable=False, index=True),
        sa.Column("cliente_id", BigId, reference("pacientes_cliente", on_delete="SET NULL")),
        sa.Column("paciente_nombre", sa.String(150)),
        sa.Column("paciente_email", sa.String(254)),
        sa.Column("paciente_telefono", sa.String(20)),
        sa.Column("estado", sa.String(20), nullable=False),
        sa.Column("tipo_consulta", sa.String(100)),
        sa.Column("tipo_servicio_id", BigId, reference("citas_tiposervicio", on_delete="SET NULL")),
        sa.Column("precio_cobrado", Amount(10)),
        sa.Column("notas", sa.Text()),
        sa.Column("notas_paciente", sa.Text()),
        sa.Column("hora_llegada", Instant()),
        sa.Column("motivo_no_asistencia", sa.Text()),
        sa.Column("metodo_pago", sa.String(20)),
        sa.Column("motivo_ajuste_precio", sa.Text()),
        sa.Column("notas_finalizacion", sa.Text()),
        sa.Column("creada_el", Instant(), nullable=False),
        sa.Column("actualizada_el", Instant(), nullable=False),
        sa.Column("creada_por_id", BigId, reference("personal_perfil", on_delete="SET NULL")),
        sa.Column("completada_por_id", BigId, reference("personal_perfil", on_delete="SET NULL")),
        sa.Column("fecha_completada", Instant()),
        sa.Column("dentista_id", BigId, reference("personal_perfil", on_delete="SET NULL")),
        sa.Column("plan_tratamiento_id", BigId),
        sa.Column("fase_tratamiento_id", BigId),
        sa.Column("whatsapp_message_sid", sa.String(100)),
        sa.Column("fin", Instant()),
        sa.Column("sala_id", BigId, reference("agenda_sala", on_delete="SET NULL")),
        sa.Column("sobrecupo_motivo", sa.Text()),
        sa.CheckConstraint("fin IS NULL OR fin > fecha_hora", name="fin_despues"),
        sa.Index("ix_citas_cita_dentista_id_fecha_hora", "dentista_id", "fecha_hora"),
        sa.Index("ix_citas_cita_cliente_id_fecha_hora", "cliente_id", "fecha_hora"),
    )
    create_table(
        op,
        "finanzas_recibo",
        sa.Column("id", BigId, sa.Identity(), primary_key=True),
        sa.Column("serie", sa.Integer(), nullable=False),
        sa.Column("numero", sa.Integer(), nullable=False),
        sa.Column(
            "cliente_id", BigId, reference("pacientes_cliente", on_delete="SET NULL"), index=True
        ),
        sa.Column("cliente_nombre", sa.String(150), nullable=False),
        sa.Column("total", Amount(12), nullable=False),
        sa.Column("emitido_el", Instant(), nullable=False),
        sa.Column(
            "reversa_de_id", BigId, reference("finanzas_recibo", on_delete="RESTRICT"), unique=True
        ),
        sa.Column("motivo_reversa", sa.Text()),
        sa.Column("creado_por_id", BigId, reference("personal_perfil", on_delete="SET NULL")),
        sa.Column("creado_el", Instant(), nullable=False, server_default=NOW),
        sa.Column("dispositivo", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.UniqueConstraint("serie", "numero"),
    )
    create_table(
        op,
        "clinica_notasesion",
        sa.Column("id", BigId, sa.Identity(), primary_key=True),
        sa.Column(
            "cliente_id",
            BigId,
            reference("pacientes_cliente", on_delete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("cita_id", BigId, reference("citas_cita", on_delete="SET NULL"), index=True),
        sa.Column(
            "profesional_id", BigId, reference("personal_perfil", on_delete="SET NULL"), index=True
        ),
        sa.Column("texto", sa.Text(), nullable=False),
        sa.Column("firmada_el", Instant()),
        sa.Column("creada_el", Instant(), nullable=False, server_default=NOW),
        sa.Column("actualizada_el", Instant(), nullable=False, server_default=NOW),
    )
    create_table(
        op,
        "finanzas_cargo",
        sa.Column("id", BigId, sa.Identity(), primary_key=True),
        sa.Column(
            "cliente_id", BigId, reference("pacientes_cliente", on_delete="SET NULL"), index=True
        ),
        sa.Column("cliente_nombre", sa.String(150), nullable=False),
        sa.Column("cita_id", BigId, reference("citas_cita", on_delete="SET NULL"), index=True),
        sa.Column("servicio_id", BigId, reference("citas_tiposervicio", on_delete="SET NULL")),
        sa.Column("profesional_id", BigId, reference("personal_perfil", on_delete="SET NULL")),
        sa.Column("descripcion", sa.String(200), nullable=False),
        sa.Column("cantidad", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.Column("precio_unitario", Amount(12), nullable=False),
        sa.Column("descuento", Amount(12), nullable=False, server_default=sa.text("0")),
        sa.Column("descuento_motivo", sa.Text()),
        sa.Column("monto", Amount(12), nullable=False),
        sa.Column("fecha", sa.Date(), nullable=False),
        sa.Column(
            "reversa_de_id", BigId, reference("finanzas_cargo", on_delete="RESTRICT"), unique=True
        ),
        sa.Column("motivo_reversa", sa.Text()),
        sa.Column("creado_por_id", BigId, reference("personal_perfil", on_delete="SET NULL")),
        sa.Column("creado_el", Instant(), nullable=False, server_default=NOW),
        sa.Column("dispositivo", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.CheckConstraint("cantidad > 0", name="cantidad"),
        sa.CheckConstraint("descuento >= 0", name="descuento"),
        sa.CheckConstraint(
            "(reversa_de_id IS NULL AND monto = cantidad * precio_unitario - descuento AND monto >= 0) OR (reversa_de_id IS NOT NULL AND monto = descuento - cantidad * precio_unitario AND monto <= 0)",
            name="monto",
        ),
    )
    create_table(
        op,
        "finanzas_pago",
        sa.Column("id", BigId, sa.Identity(), primary_key=True),
        sa.Column(
            "recibo_id",
            BigId,
            reference("finanzas_recibo", on_delete="RESTRICT"),
            nullable=False,
            index=True,
        ),
        sa.Column(
            "cliente_id", BigId, reference("pacientes_cliente", on_delete="SET NULL"), index=True
        ),
        sa.Column("metodo", sa.String(20), nullable=False),
        sa.Column("monto", Amount(12), nullable=False),
        sa.Column("referencia", sa.String(100)),
        sa.Column("recibido", Amount(12)),
        sa.Column("pagado_el", Instant(), nullable=False, index=True),
        sa.Column(
            "reversa_de_id", BigId, reference("finanzas_pago", on_delete="RESTRICT"), unique=True
        ),
        sa.Column("creado_por_id", BigId, reference("personal_perfil", on_delete="SET NULL")),
        sa.Column("creado_el", Instant(), nullable=False, server_default=NOW),
        sa.Column("dispositivo", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.CheckConstraint("monto <> 0", name="monto"),
    )
    create_table(
        op,
        "caja_movimiento",
        sa.Column("id", BigId, sa.Identity(), primary_key=True),
        sa.Column("tipo", sa.String(20), nullable=False),
        sa.Column("metodo", sa.String(20), nullable=False),
        sa.Column("monto", Amount(12), nullable=False),
        sa.Column("pago_id", BigId, reference("finanzas_pago", on_delete="RESTRICT"), unique=True),
        sa.Column("concepto", sa.String(200)),
        sa.Column("ocurrido_el", Instant(), nullable=False, index=True),
        sa.Column("creado_por_id", BigId, reference("personal_perfil", on_delete="SET NULL")),
        sa.Column("creado_el", Instant(), nullable=False, server_default=NOW),
        sa.Column("dispositivo", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.CheckConstraint("monto <> 0", name="monto"),
    )
    create_table(
        op,
        "finanzas_asignacion",
        sa.Column("id", BigId, sa.Identity(), primary_key=True),
        sa.Column(
            "pago_id",
            BigId,
            reference("finanzas_pago", on_delete="RESTRICT"),
            nullable=False,
            index=True,
        ),
        sa.Column(
            "cargo_id",
            BigId,
            reference("finanzas_cargo", on_delete="RESTRICT"),
            nullable=False,
            index=True,
        ),
        sa.Column("monto", Amount(12), nullable=False),
        sa.Column("creado_por_id", BigId, reference("personal_perfil", on_delete="SET NULL")),
        sa.Column("creado_el", Instant(), nullable=False, server_default=NOW),
        sa.Column("dispositivo", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.CheckConstraint("monto <> 0", name="monto"),
    )
    if op.get_context().dialect.name == "postgresql":
        create_server_tables()
        install_tables(executor(op.get_bind()), schema())


def schema() -> str:
    """The tenant schema that is being migrated."""
    return str(op.get_context().config.attributes["schema"])


def create_server_tables() -> None:
    """Who failed to sign in, and what makes up salts for names that don't exist."""
    op.create_table(
        "acceso_intento",
        sa.Column("usuario", sa.Text(), primary_key=True),
        sa.Column("fallos", sa.Integer(), nullable=False),
        sa.Column("ultimo", Instant(), nullable=False),
        sa.Column("bloqueado_hasta", Instant()),
    )
    op.create_table(
        "acceso_secreto",
        sa.Column("id", sa.Integer(), sa.CheckConstraint("id = 1", name="unico"), primary_key=True),
        sa.Column("sal", sa.LargeBinary(), nullable=False),
    )
    op.execute(
        "INSERT INTO acceso_secreto (id, sal) "
        "SELECT 1, sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8'))"
    )


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        drop_server_side()
    for name in reversed(TABLES):
        op.drop_table(name)


def drop_server_side() -> None:
    """Every function of the schema, with the triggers that call it, and the tables of the server."""
    op.execute(
        """
        DO $$
        DECLARE
            thing record;
        BEGIN
            FOR thing IN SELECT p.oid::regprocedure AS name FROM pg_proc p
                WHERE p.pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
            LOOP
                EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', thing.name);
            END LOOP;
            FOR thing IN SELECT c.oid::regclass AS name FROM pg_class c
                WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
                AND c.relkind = 'r'
                AND (starts_with(c.relname, 'sync_') OR starts_with(c.relname, 'acceso_'))
            LOOP
                EXECUTE format('DROP TABLE IF EXISTS %s CASCADE', thing.name);
            END LOOP;
        END
        $$
        """
    )
