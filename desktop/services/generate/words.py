"""Names, services and sentences that a Chilean clinic would use. Nobody real is meant."""

from __future__ import annotations

from dataclasses import dataclass


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.replace("_", " ") for word in text.split())


WOMEN = _words(
    "María José Camila Valentina Constanza Javiera Francisca Catalina Fernanda Antonia Sofía Isidora"
    " Martina Josefa Emilia Florencia Agustina Amanda Carolina Daniela Paula Andrea Claudia Verónica"
    " Patricia Mónica Gloria Rosa Ana Elena Teresa Inés Lucía Marcela Lorena Natalia Paz Macarena"
    " Bárbara Ximena Cecilia Silvia Margarita Soledad Rocío Belén Pía Noemí Ángela Begoña"
)
MEN = _words(
    "José Juan Luis Carlos Jorge Manuel Francisco Cristián Rodrigo Felipe Sebastián Matías Diego"
    " Nicolás Ignacio Benjamín Vicente Martín Tomás Joaquín Gabriel Andrés Pablo Daniel Eduardo"
    " Ricardo Mauricio Álvaro Gonzalo Fernando Hernán Óscar Héctor Víctor Raúl Sergio Patricio Claudio"
    " Marcelo Esteban Alonso Maximiliano Bastián Agustín Iván Rubén Germán Fabián Simón Julián"
)
SURNAMES = _words(
    "González Muñoz Rojas Díaz Pérez Soto Contreras Silva Martínez Sepúlveda Morales Rodríguez López"
    " Araya Fuentes Hernández Torres Espinoza Flores Castillo Valenzuela Ramírez Reyes Gutiérrez"
    " Castro Vargas Álvarez Vásquez Tapia Fernández Sánchez Cortés Gómez Herrera Carrasco Núñez"
    " Miranda Jara Vergara Rivera Figueroa Riquelme García Bravo Vera Molina Vega Campos Sandoval"
    " Olivares Orellana Zúñiga Ortiz Gallardo Alarcón Garrido Salazar Guzmán Henríquez Saavedra"
    " Navarro Aguilera Parra Romero Aravena Pizarro Godoy Peña Cáceres Leiva Escobar Yáñez Valdés"
    " Vidal Salinas Cárdenas Jiménez Ruiz Lagos Maldonado Bustos Medina Pino Palma Moreno Sanhueza"
    " Carvajal Navarrete Sáez Alvarado Donoso Poblete Bustamante Toro Ortega Venegas Guerrero"
    " Mendoza Farías San_Martín Paredes Cisternas Quezada Ibáñez Aránguiz Urrutia Ñancupil Huenchumán"
    " Catrileo Oyarzún Barría Mansilla Norambuena Inostroza Etcheverry Undurraga Echeñique Larraín"
)
ALLERGIES = (
    "Penicilina",
    "Látex",
    "Ibuprofeno",
    "Anestésicos locales (articaína)",
    "Aspirina",
    "Dipirona",
    "Sulfas",
    "Yodo",
    "Penicilina y derivados; reacción grave en 2015",
)
CLIENT_NOTES = (
    "Prefiere horario de mañana.",
    "Llamar antes de las 18:00.",
    "Viene acompañado de su hija.",
    "Usa silla de ruedas: box del primer piso.",
    "Pide boleta para reembolso de isapre.",
    "Ansiedad dental: explicar cada paso.",
    "Pagos con transferencia a nombre de su madre.",
)
NO_SHOW_REASONS = (
    "No contestó el teléfono.",
    "Se confundió de día.",
    "Tuvo un imprevisto en el trabajo.",
    "Sin aviso.",
    "Enfermedad; volverá a llamar.",
)
CANCEL_REASONS = (
    "Canceló por teléfono.",
    "Canceló por WhatsApp.",
    "Profesional con licencia.",
    "Reagendará más adelante.",
)
DISCOUNT_REASONS = (
    "Convenio empresa",
    "Familiar de funcionario",
    "Campaña de invierno",
    "Cortesía",
)
REVERSAL_REASONS = ("Cobro duplicado", "Servicio equivocado", "Atención no realizada")
EXPENSES = (
    ("Arriendo del local", 1_250_000, 1),
    ("Electricidad", 145_000, 1),
    ("Agua", 48_000, 1),
    ("Internet y teléfono", 62_000, 1),
    ("Insumos clínicos", 380_000, 3),
    ("Aseo", 210_000, 1),
    ("Laboratorio dental", 290_000, 2),
    ("Mantención de equipos", 120_000, 1),
    ("Papelería", 24_000, 1),
)
INCOMES = (("Subarriendo de box", 180_000), ("Venta de cepillos y productos", 65_000))


@dataclass(frozen=True, slots=True)
class ServiceText:
    """A service on the price list; ``minutes`` is ``None`` where it takes no time of its own."""

    name: str
    category: str
    price: int
    minutes: int | None
    weight: int


@dataclass(frozen=True, slots=True)
class Specialty:
    """What one kind of practitioner does, and how the notes of a session read."""

    name: str
    title: str
    services: tuple[ServiceText, ...]
    findings: tuple[str, ...]
    actions: tuple[str, ...]
    plans: tuple[str, ...]


SPECIALTIES = (
    Specialty(
        "Odontología",
        "Cirujano dentista",
        (
            ServiceText("Evaluación dental", "consulta", 15_000, 30, 20),
            ServiceText("Control dental", "control", 10_000, 15, 14),
            ServiceText("Limpieza dental", "procedimiento", 35_000, 30, 26),
            ServiceText("Obturación de resina", "tratamiento", 45_000, 45, 16),
            ServiceText("Endodoncia", "tratamiento", 180_000, 60, 6),
            ServiceText("Extracción simple", "procedimiento", 40_000, 30, 10),
            ServiceText("Corona cerámica", "tratamiento", 320_000, 60, 4),
        ),
        (
            "Caries oclusal en 3.6.",
            "Encías inflamadas en sector anteroinferior.",
            "Dolor a la percusión en 2.4.",
            "Sin caries activas.",
            "Restauración antigua filtrada en 1.6.",
        ),
        (
            "Anestesia infiltrativa y obturación con resina.",
            "Profilaxis y destartraje supragingival.",
            "Conductometría e instrumentación.",
            "Control de higiene y flúor barniz.",
        ),
        (
            "Control en seis meses.",
            "Citar para corona definitiva.",
            "Indicar ibuprofeno 400 mg cada 8 horas por dos días.",
            "Reforzar técnica de cepillado.",
        ),
    ),
    Specialty(
        "Kinesiología",
        "Kinesiólogo",
        (
            ServiceText("Evaluación kinésica", "consulta", 25_000, 45, 12),
            ServiceText("Sesión de kinesiología", "tratamiento", 20_000, 30, 66),
            ServiceText("Kinesiología respiratoria", "tratamiento", 22_000, 30, 12),
            ServiceText("Punción seca", "procedimiento", 28_000, 15, 10),
        ),
        (
            "Dolor lumbar EVA 6/10.",
            "Rango de hombro derecho limitado a 110°.",
            "Marcha sin ayudas.",
            "Edema leve de rodilla.",
            "Dolor EVA 3/10, mejor que la semana pasada.",
        ),
        (
            "Terapia manual y ejercicios de control motor.",
            "Electroanalgesia 20 minutos y elongación.",
            "Fortalecimiento de cuádriceps en cadena cerrada.",
            "Reeducación de la marcha.",
        ),
        (
            "Continuar dos veces por semana.",
            "Pauta de ejercicios en casa.",
            "Reevaluar en cinco sesiones.",
            "Alta próxima si se mantiene sin dolor.",
        ),
    ),
    Specialty(
        "Medicina general",
        "Médico cirujano",
        (
            ServiceText("Consulta médica", "consulta", 30_000, 30, 60),
            ServiceText("Control médico", "control", 20_000, 15, 34),
            ServiceText("Curación", "procedimiento", 15_000, 30, 6),
        ),
        (
            "Presión arterial 142/88.",
            "Afebril, faringe eritematosa.",
            "Glicemia de ayuno 118 mg/dL.",
            "Examen físico sin hallazgos.",
            "Tos seca de cinco días.",
        ),
        (
            "Se solicitan exámenes de sangre.",
            "Se ajusta losartán a 50 mg.",
            "Se extiende licencia por tres días.",
            "Se educa en signos de alarma.",
        ),
        (
            "Control con exámenes.",
            "Control en un mes.",
            "Derivar a nutrición.",
            "Volver si persiste la fiebre.",
        ),
    ),
    Specialty(
        "Psicología",
        "Psicólogo",
        (
            ServiceText("Psicoterapia individual", "tratamiento", 38_000, 45, 76),
            ServiceText("Primera entrevista psicológica", "consulta", 32_000, 45, 14),
            ServiceText("Seguimiento psicológico", "control", 25_000, 30, 10),
        ),
        (
            "Relata mejor ánimo y sueño.",
            "Ansiedad ante cambio de trabajo.",
            "Duelo en curso.",
            "Conflicto familiar reciente.",
        ),
        (
            "Reestructuración cognitiva.",
            "Ejercicio de respiración y registro de pensamientos.",
            "Se trabaja red de apoyo.",
            "Psicoeducación.",
        ),
        (
            "Próxima sesión en una semana.",
            "Tarea: registro diario.",
            "Espaciar a quincenal.",
            "Coordinar con psiquiatría.",
        ),
    ),
    Specialty(
        "Nutrición",
        "Nutricionista",
        (
            ServiceText("Consulta nutricional", "consulta", 24_000, 45, 30),
            ServiceText("Control nutricional", "control", 18_000, 30, 70),
        ),
        (
            "Peso 82,4 kg, dos menos que el mes anterior.",
            "Baja ingesta de agua.",
            "Buena adherencia.",
        ),
        ("Se ajusta pauta a 1.800 kcal.", "Se entrega minuta semanal.", "Se revisa etiquetado."),
        ("Control en tres semanas.", "Registrar alimentos.", "Solicitar perfil lipídico."),
    ),
)
EXTRAS = (
    ServiceText("Insumos clínicos", "material", 4_500, None, 50),
    ServiceText("Radiografía periapical", "examen", 8_000, None, 18),
    ServiceText("Informe para isapre", "documento", 6_000, None, 14),
    ServiceText("Vendaje elástico", "material", 5_500, None, 10),
    ServiceText("Material desechable", "material", 2_500, None, 8),
)
STREETS = (
    "Av. Providencia",
    "Los Aromos",
    "Av. Libertador B. O'Higgins",
    "San Martín",
    "Arturo Prat",
)
