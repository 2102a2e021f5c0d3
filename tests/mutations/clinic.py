"""Defects of the clinic's rules: double booking, money, agenda."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

APPOINTMENTS = "desktop/models/sql/appointments.sql"
LEDGER = "desktop/models/sql/ledger.sql"
HOOKS = "desktop/models/sql/hooks.sql"
BOOKS = "desktop/domain/ledger.py"
MONEY = "desktop/domain/money.py"
FINANCE = "desktop/services/finance.py"
ENTRIES = "desktop/services/finance_entries.py"
INTERVALS = "desktop/domain/intervals.py"
RULES = "desktop/services/agenda_rules.py"
AGENDA = "desktop/services/agenda.py"

_APPOINTMENTS = "tests/sync_server/test_appointments.py"
_GUARD = "tests/sync_server/test_ledger.py"
_FIRST = "tests/sync_server/test_first_sync.py"
_BOOKS = "tests/finance/test_ledger.py"
_MONEY = "tests/finance/test_money.py"
_FINANCE = "tests/finance/test_service.py"
_STATEFUL = "tests/finance/test_stateful.py"
_INTERVALS = "tests/agenda/test_intervals.py"
_AGENDA = "tests/agenda/test_agenda.py"

MUTATIONS = (
    Mutation(
        "appointments that touch overlap",
        APPOINTMENTS,
        "pg_catalog.tstzrange(fecha_hora, fin) WITH",
        "pg_catalog.tstzrange(fecha_hora, fin, '[]') WITH",
        (_APPOINTMENTS,),
    ),
    Mutation(
        "cancelled appointments take time",
        APPOINTMENTS,
        ") WHERE (estado IN ('reservada',",
        ") WHERE (estado IN ('cancelada', 'reservada',",
        (_APPOINTMENTS,),
    ),
    Mutation(
        "a visit in progress takes no time",
        APPOINTMENTS,
        "'listo_para_atender', 'en_progreso')\n                 AND",
        "'listo_para_atender')\n                 AND",
        (_APPOINTMENTS,),
    ),
    Mutation(
        "another program's service leaves the end behind",
        APPOINTMENTS,
        "IF (NEW.fin IS NULL OR other_service) AND",
        "IF NEW.fin IS NULL AND",
        (_APPOINTMENTS,),
    ),
    Mutation(
        "a workstation's service moves the end that it chose",
        APPOINTMENTS,
        "NEW.fin IS NOT DISTINCT FROM OLD.fin AND sync_origin() = 0;",
        "NEW.fin IS NOT DISTINCT FROM OLD.fin;",
        (_APPOINTMENTS,),
    ),
    Mutation(
        "a deliberate overbooking is refused",
        APPOINTMENTS,
        "AND sobrecupo_motivo IS NULL AND",
        "AND",
        (_APPOINTMENTS,),
    ),
    Mutation(
        "an empty reason overbooks",
        APPOINTMENTS,
        "    NEW.sobrecupo_motivo := nullif(btrim(NEW.sobrecupo_motivo), '');\n",
        "",
        (_APPOINTMENTS,),
    ),
    Mutation(
        "practitioners are not locked",
        APPOINTMENTS,
        "        PERFORM pg_advisory_xact_lock(key);\n",
        "        NULL;\n",
        (_APPOINTMENTS,),
    ),
    Mutation(
        "a push locks practitioners one after the other",
        HOOKS,
        "    PERFORM clinic_lock_practitioners(ARRAY(",
        "    PERFORM cardinality(ARRAY(",
        (_APPOINTMENTS,),
    ),
    Mutation(
        "the web sells a slot twice",
        APPOINTMENTS,
        "AND sync_origin() = 0 THEN",
        "AND false THEN",
        (_APPOINTMENTS,),
    ),
    Mutation(
        "the web takes a walk-in's slot",
        APPOINTMENTS,
        "AND btrim(OLD.paciente_nombre) <> ''",
        "AND false",
        (_APPOINTMENTS,),
    ),
    Mutation(
        "the clinic's day is UTC's",
        HOOKS,
        "zone := coalesce(zone, 'America/Santiago');",
        "zone := 'UTC';",
        (_FIRST,),
    ),
    Mutation(
        "rows of the ledger are updated",
        LEDGER,
        "BEFORE UPDATE OR DELETE ON",
        "BEFORE DELETE ON",
        (_GUARD,),
    ),
    Mutation(
        "the guard of the ledger is missing on one table",
        LEDGER,
        "'finanzas_asignacion', 'caja_movimiento'] LOOP",
        "'finanzas_asignacion'] LOOP",
        (_GUARD,),
    ),
    Mutation(
        "the ledger is truncated",
        LEDGER,
        "    IF TG_OP = 'UPDATE' AND pg_trigger_depth() > 1 THEN\n",
        "    IF TG_OP = 'TRUNCATE' THEN\n        RETURN NULL;\n    END IF;\n"
        "    IF TG_OP = 'UPDATE' AND pg_trigger_depth() > 1 THEN\n",
        (_GUARD,),
    ),
    Mutation(
        "the guard of the ledger rests for replicas",
        LEDGER,
        "ENABLE ALWAYS TRIGGER clinic_append_only, '",
        "ENABLE TRIGGER clinic_append_only, '",
        (_GUARD,),
    ),
    Mutation(
        "any trigger may empty a reference",
        LEDGER,
        "IF NOT parent_there THEN",
        "IF true THEN",
        (_GUARD,),
    ),
    Mutation(
        "refunds are allocated without limit",
        LEDGER,
        "HAVING sum(a.monto) NOT BETWEEN least(p.monto, 0) AND greatest(p.monto, 0)",
        "HAVING sum(a.monto) > greatest(p.monto, 0)",
        (_GUARD,),
    ),
    Mutation(
        "two allocate the same money",
        LEDGER,
        "ORDER BY p.id FOR NO KEY UPDATE;",
        "ORDER BY p.id;",
        (_GUARD,),
    ),
    Mutation(
        "more is taken than is owed",
        BOOKS,
        "    if paid > owed + advance:\n",
        "    if False:\n",
        (_BOOKS,),
    ),
    Mutation(
        "a payment settles more than it has",
        BOOKS,
        "amount = min(left[payment.id], missing)",
        "amount = missing",
        (_BOOKS,),
    ),
    Mutation(
        "the youngest charge is paid first",
        BOOKS,
        "for charge in sorted(charges, key=lambda charge: (charge.date, charge.id)):",
        "for charge in sorted(charges, key=lambda charge: (charge.date, charge.id), reverse=True):",
        (_FINANCE,),
    ),
    Mutation(
        "a receipt is reversed twice",
        FINANCE,
        "        if undone is not None:\n",
        "        if False:\n",
        (_FINANCE,),
    ),
    Mutation(
        "a refused receipt's number is given again",
        ENTRIES,
        "return max(last or 0, *printed, 0) + 1",
        "return (last or 0) + 1",
        (_FINANCE,),
    ),
    Mutation(
        "a discount needs no permission",
        ENTRIES,
        '        entry.actor.require("finance.discount")\n',
        "        pass\n",
        (_FINANCE,),
    ),
    Mutation(
        "a counter-entry has the charge's sign",
        ENTRIES,
        "        amount=-original.amount,\n",
        "        amount=original.amount,\n",
        (_FINANCE,),
    ),
    Mutation(
        "the till does not see a payment",
        ENTRIES,
        "            amount=payment.amount,\n            payment_id=payment.id,\n",
        "            amount=abs(payment.amount),\n            payment_id=payment.id,\n",
        (_FINANCE, _STATEFUL),
    ),
    Mutation(
        "leftover units go to the first, not to the largest remainder",
        MONEY,
        "key=lambda index: (-remainders[index], index)",
        "key=lambda index: index",
        (_MONEY,),
    ),
    Mutation(
        "leftover units are lost",
        MONEY,
        "            shares[index] += 1\n",
        "            shares[index] += 0\n",
        (_MONEY,),
    ),
    Mutation(
        "intervals that touch overlap",
        INTERVALS,
        "self.start < other.end and other.start < self.end and",
        "self.start <= other.end and other.start <= self.end and",
        (_INTERVALS,),
    ),
    Mutation(
        "intervals that touch are not one",
        INTERVALS,
        "interval.start <= merged[-1].end:",
        "interval.start < merged[-1].end:",
        (_INTERVALS,),
    ),
    Mutation(
        "the last start of a free time is left out",
        INTERVALS,
        "    while start + duration <= free.end:\n",
        "    while start + duration < free.end:\n",
        (_INTERVALS,),
    ),
    Mutation(
        "an appointment clashes with itself",
        RULES,
        "        if item.id != own_id and Interval(",
        "        if Interval(",
        (_AGENDA,),
    ),
    Mutation(
        "an appointment spans a clock change",
        RULES,
        "    if crosses_clock_change(starts_at, ends_at, clinic.zone):\n",
        "    if False:\n",
        (_AGENDA,),
    ),
    Mutation(
        "a move overtakes another person's",
        AGENDA,
        "            if present != expected:\n",
        "            if False:\n",
        (_AGENDA,),
    ),
    Mutation(
        "a taken slot is booked",
        AGENDA,
        "                if edit.status is not Status.AVAILABLE:\n",
        "                if False:\n",
        (_AGENDA,),
    ),
    Mutation(
        "anybody overbooks",
        AGENDA,
        "            actor.require(OVERBOOK)\n",
        "            pass\n",
        (_AGENDA,),
    ),
    Mutation(
        "a visit comes back over another's time",
        AGENDA,
        "                self._check_free(edit, before)\n",
        "                pass\n",
        (_AGENDA,),
    ),
)
