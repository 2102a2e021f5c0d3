"""Tables, columns, actions and refusals in the words of the people who use them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from desktop.domain import statuses
from desktop.domain.locale_format import date_short, date_time, money, number
from desktop.domain.messages import N_, _
from desktop.services.cache import executor
from desktop.services.clinic import ClinicSettings
from sync import codec
from sync.schema import Column, SyncTable

ACTIONS = {
    "appointment.book": N_("Book an appointment"),
    "appointment.move": N_("Move an appointment"),
    "appointment.resize": N_("Change the length of an appointment"),
    "appointment.status": N_("Change the status of an appointment"),
    "appointment.cancel": N_("Cancel an appointment"),
    "appointment.no_show": N_("Note that a client did not come"),
    "appointment.edit": N_("Edit an appointment"),
    "appointment.undo": N_("Undo a change in the agenda"),
    "client.create": N_("Add a client"),
    "client.save": N_("Edit a client"),
    "client.deactivate": N_("Put a client out of use"),
    "client.reactivate": N_("Put a client back in use"),
    "visit.charge": N_("Charge a visit"),
    "visit.charge.reverse": N_("Reverse a charge"),
    "visit.price": N_("Set the price of a visit"),
    "payment.take": N_("Take a payment"),
    "payment.use_credit": N_("Pay with credit"),
    "payment.correct": N_("Correct what was paid twice"),
    "payment.reverse": N_("Reverse a payment"),
}

_ACTION_FAMILIES = {
    "appointment": N_("Change an appointment"),
    "client": N_("Change a client"),
    "visit": N_("Change a visit"),
    "payment": N_("Change a payment"),
    "charge": N_("Change a charge"),
    "note": N_("Change a clinical note"),
}

TABLES = {
    "personal_perfil": N_("Staff member"),
    "configuracion_informacionclinica": N_("Clinic details"),
    "configuracion_ajuste": N_("Setting"),
    "agenda_sala": N_("Room"),
    "citas_tiposervicio": N_("Service"),
    "citas_horariodentista": N_("Working hours"),
    "pacientes_cliente": N_("Client"),
    "citas_cita": N_("Appointment"),
    "finanzas_cargo": N_("Charge"),
    "finanzas_recibo": N_("Receipt"),
    "finanzas_pago": N_("Payment"),
    "finanzas_asignacion": N_("Payment of a charge"),
    "caja_movimiento": N_("Till movement"),
    "finanzas_ingresomanual": N_("Other income"),
    "finanzas_egresomanual": N_("Expense"),
    "clinica_notasesion": N_("Clinical note"),
}

COLUMNS = {
    "activa": N_("In use"),
    "activo": N_("In use"),
    "alergias": N_("Allergies"),
    "cantidad": N_("Quantity"),
    "cargo_id": N_("Charge"),
    "categoria": N_("Category"),
    "cita_id": N_("Appointment"),
    "clave": N_("Setting"),
    "cliente_id": N_("Client"),
    "cliente_nombre": N_("Client's name"),
    "completada_por_id": N_("Closed by"),
    "concepto": N_("Concept"),
    "dentista_asignado_id": N_("Practitioner"),
    "dentista_id": N_("Practitioner"),
    "descripcion": N_("Description"),
    "descuento": N_("Discount"),
    "descuento_motivo": N_("Reason for the discount"),
    "dia_semana": N_("Weekday"),
    "direccion": N_("Address"),
    "duracion_estimada": N_("Minutes"),
    "email": N_("Email"),
    "email_alternativo": N_("Second email"),
    "emitido_el": N_("Issued"),
    "especialidad": N_("Specialty"),
    "estado": N_("Status"),
    "facebook": N_("Facebook"),
    "fase_tratamiento_id": N_("Treatment phase"),
    "fecha": N_("Date"),
    "fecha_completada": N_("Closed"),
    "fecha_hora": N_("Start"),
    "fecha_nacimiento": N_("Birth date"),
    "fecha_registro": N_("Registered"),
    "fin": N_("End"),
    "firmada_el": N_("Signed"),
    "foto": N_("Photo"),
    "hora_fin": N_("Until"),
    "hora_inicio": N_("From"),
    "hora_llegada": N_("Arrived"),
    "horario_atencion": N_("Opening hours"),
    "instagram": N_("Instagram"),
    "metodo": N_("Method"),
    "metodo_pago": N_("Payment method"),
    "monto": N_("Amount"),
    "motivo_ajuste_precio": N_("Reason for the price"),
    "motivo_no_asistencia": N_("Reason for not coming"),
    "motivo_reversa": N_("Reason for the reversal"),
    "nombre": N_("Name"),
    "nombre_clinica": N_("Name"),
    "nombre_completo": N_("Name"),
    "notas": N_("Notes"),
    "notas_adicionales": N_("Notes"),
    "notas_finalizacion": N_("Closing notes"),
    "notas_paciente": N_("Client's notes"),
    "numero": N_("Number"),
    "numero_colegio": N_("Licence number"),
    "ocurrido_el": N_("When"),
    "orden": N_("Position"),
    "paciente_email": N_("Client's email"),
    "paciente_nombre": N_("Client's name"),
    "paciente_telefono": N_("Client's phone"),
    "pagado_el": N_("Paid"),
    "pago_id": N_("Payment"),
    "plan_tratamiento_id": N_("Treatment plan"),
    "precio_base": N_("Price"),
    "precio_cobrado": N_("Price charged"),
    "precio_unitario": N_("Unit price"),
    "profesional_id": N_("Practitioner"),
    "puede_crear_odontogramas": N_("May draw odontograms"),
    "puede_gestionar_citas": N_("May manage appointments"),
    "puede_gestionar_clientes": N_("May manage clients"),
    "puede_gestionar_insumos": N_("May manage supplies"),
    "puede_gestionar_personal": N_("May manage staff"),
    "puede_ver_reportes": N_("May see reports"),
    "recibido": N_("Cash handed over"),
    "recibo_id": N_("Receipt"),
    "referencia": N_("Reference"),
    "requiere_acceso_sistema": N_("Uses the program"),
    "requiere_dentista": N_("Needs a practitioner"),
    "reversa_de_id": N_("Reverses"),
    "rol": N_("Role"),
    "rut": N_("RUT"),
    "sala_id": N_("Room"),
    "serie": N_("Series"),
    "servicio_id": N_("Service"),
    "sitio_web": N_("Website"),
    "sobrecupo_motivo": N_("Reason for the overbooking"),
    "telefono": N_("Phone"),
    "telefono_secundario": N_("Second phone"),
    "texto": N_("Text"),
    "tipo": N_("Kind"),
    "tipo_consulta": N_("Reason for the visit"),
    "tipo_servicio_id": N_("Service"),
    "total": N_("Total"),
    "user_id": N_("Account"),
    "valor": N_("Value"),
    "whatsapp": N_("WhatsApp"),
}

UNSPOKEN = frozenset(
    {
        "id",
        "actualizada_el",
        "actualizado_el",
        "actualizado_por_id",
        "creada_el",
        "creada_por_id",
        "creado_el",
        "creado_por_id",
        "dispositivo",
        "whatsapp_message_sid",
    }
)
"""What programs note beside the data: nobody typed it, nobody settles it."""

_VALUES = {
    "efectivo": N_("Cash"),
    "transferencia": N_("Transfer"),
    "tarjeta": N_("Card"),
}

_NAMES = {
    "personal_perfil": "nombre_completo",
    "pacientes_cliente": "nombre_completo",
    "citas_tiposervicio": "nombre",
    "agenda_sala": "nombre",
    "finanzas_cargo": "descripcion",
    "finanzas_recibo": "numero",
}

NUMBER_TAKEN = N_(
    "Another receipt already has this number. The money is recorded here and not yet in the shared"
    " database; the paper that was handed over needs a new number."
)

OUT_OF_SCOPE = N_(
    "Meanwhile the record went to another practitioner, and this workstation does not receive it any"
    " more. What you typed is kept here: tell whoever has the record now, or try again when it is back."
)

SLOT_TAKEN = N_("Somebody else took this time before the booking arrived.")

REASONS = {
    "conflict": N_("Somebody else changed the same thing before this arrived."),
    "gone": N_("The record was deleted before this change arrived."),
    "overlap": N_("The practitioner already has another appointment at that time."),
    "duplicate": N_("Another record already has the same value where it must be unique."),
    "parent_missing": N_("It refers to a record that was deleted meanwhile."),
    "in_use": N_("Something else still refers to the record, so it can't be deleted."),
    "forbidden": N_("This workstation is not allowed to change this kind of record."),
    "foreign_id": N_("The record carries the number of another workstation."),
    "append_only": N_("What has been entered in the accounts is not changed; it is reversed."),
    "invalid": N_("The server does not accept one of the values."),
    "rule": N_("A rule of the clinic stands in the way."),
    "review": N_("It comes from an old file: somebody has to look at it before it is sent."),
    "restored": N_(
        "This was in the shared data once. Then the server was put back from an older backup on "
        "purpose, and it is not there any more. It comes back only if an administrator wants it."
    ),
    "depends": N_("It builds on another change that was refused; it is settled together with it."),
}

SETTLED = {
    "keep_mine": N_("Mine was sent again"),
    "keep_theirs": N_("Theirs was kept"),
    "merge": N_("Merged field by field"),
    "correct": N_("Corrected and sent again"),
    "other_slot": N_("Booked at another time"),
    "restore": N_("Restored and sent again"),
    "without_link": N_("Sent without the deleted record"),
    "try_again": N_("Sent again"),
    "new_number": N_("Sent with a new receipt number"),
    "same": N_("There already"),
    "bring_back": N_("Brought back"),
    "leave_out": N_("Not brought back"),
}


def action(label: str) -> str:
    """What was attempted, in words; an unknown label gets the words of its family."""
    words = ACTIONS.get(label) or _ACTION_FAMILIES.get(label.partition(".")[0])
    return _(words or N_("Change"))


def column_label(column: str) -> str:
    """A column's name for people; ``KeyError`` for one that nobody is shown."""
    return _(COLUMNS[column])


def spoken(column: Column) -> bool:
    """Whether people are shown this column."""
    return not column.stamp and column.name not in UNSPOKEN and column.name in COLUMNS


def row_name(session: Session, table: str, row_id: int) -> str:
    """How people call a row: a client's name, a receipt's number; empty where it is not there."""
    column = _NAMES.get(table)
    if column is None:
        return ""
    rows = executor(session)(f'SELECT "{column}" FROM "{table}" WHERE id = ?', (row_id,))
    return "" if not rows or rows[0][0] is None else str(rows[0][0])


def value(
    session: Session, clinic: ClinicSettings, table: SyncTable, column: Column, stored: Any
) -> str:
    """A value as the cache holds it, in words; nothing becomes an empty string."""
    if stored is None or stored == "":
        return ""
    if column.name in table.references:
        target = table.references[column.name]
        return row_name(session, target, stored) or _("deleted record")
    if column.name == "estado":
        status = statuses.read(str(stored))
        return statuses.label(status) if status else str(stored)
    if column.kind == "bool":
        return _("Yes") if stored else _("No")
    if column.kind == "instant":
        return date_time(codec.text_to_instant(stored), clinic.zone)
    if column.kind == "date":
        return date_short(dt.date.fromisoformat(stored))
    if column.kind == "time":
        return str(stored)[:5]
    if column.kind == "units":
        return money(codec.units_to_decimal(stored, column.scale), clinic.currency)
    if column.kind == "int":
        return number(stored)
    return _(_VALUES[stored]) if stored in _VALUES else str(stored)


def somebody(session: Session, by: dict[str, Any] | None, clinic: ClinicSettings) -> str:
    """Who made the other change, and when; ``by`` is what the server said of it."""
    if not by:
        return ""
    name = row_name(session, "personal_perfil", by["actor"]) if by.get("actor") else ""
    if not name:
        name = (
            _("Workstation {n}").format(n=by["device"])
            if by.get("device")
            else _("The web or another program")
        )
    if not by.get("at"):
        return name
    return _("{name}, {when}").format(
        name=name, when=date_time(codec.text_to_instant(by["at"]), clinic.zone)
    )
