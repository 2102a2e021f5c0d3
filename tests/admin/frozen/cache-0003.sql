BEGIN;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE agenda_sala (
	id INTEGER NOT NULL, 
	nombre VARCHAR(100) NOT NULL, 
	orden INTEGER NOT NULL, 
	activa BOOLEAN NOT NULL, 
	creada_el TEXT NOT NULL, 
	CONSTRAINT pk_agenda_sala PRIMARY KEY (id)
);
CREATE TABLE auth_user (
	id INTEGER NOT NULL, 
	password VARCHAR(128), 
	last_login TEXT, 
	is_superuser BOOLEAN NOT NULL, 
	username VARCHAR(150) NOT NULL, 
	first_name VARCHAR(150) NOT NULL, 
	last_name VARCHAR(150) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	is_staff BOOLEAN NOT NULL, 
	is_active BOOLEAN NOT NULL, 
	date_joined TEXT NOT NULL, 
	CONSTRAINT pk_auth_user PRIMARY KEY (id)
);
CREATE TABLE configuracion_ajuste (
	id INTEGER NOT NULL, 
	clave VARCHAR(100) NOT NULL, 
	valor TEXT NOT NULL, 
	actualizado_el TEXT NOT NULL, 
	CONSTRAINT pk_configuracion_ajuste PRIMARY KEY (id)
);
CREATE TABLE configuracion_informacionclinica (
	id INTEGER NOT NULL, 
	nombre_clinica VARCHAR(200) NOT NULL, 
	direccion TEXT NOT NULL, 
	telefono VARCHAR(20) NOT NULL, 
	telefono_secundario VARCHAR(20), 
	email VARCHAR(254) NOT NULL, 
	email_alternativo VARCHAR(254), 
	horario_atencion TEXT NOT NULL, 
	sitio_web VARCHAR(200), 
	whatsapp VARCHAR(20), 
	facebook VARCHAR(200), 
	instagram VARCHAR(100), 
	notas_adicionales TEXT, 
	actualizado_el TEXT NOT NULL, 
	actualizado_por_id INTEGER, 
	CONSTRAINT pk_configuracion_informacionclinica PRIMARY KEY (id)
);
CREATE TABLE cuentas_perfilcliente (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	nombre_completo VARCHAR(150) NOT NULL, 
	telefono VARCHAR(20) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	telefono_verificado BOOLEAN NOT NULL, 
	rut VARCHAR(12), 
	fecha_nacimiento DATE, 
	alergias TEXT, 
	CONSTRAINT pk_cuentas_perfilcliente PRIMARY KEY (id)
);
CREATE TABLE personal_perfil (
	id INTEGER NOT NULL, 
	user_id INTEGER, 
	nombre_completo VARCHAR(150) NOT NULL, 
	telefono VARCHAR(20) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	rol VARCHAR(20) NOT NULL, 
	fecha_registro TEXT NOT NULL, 
	activo BOOLEAN NOT NULL, 
	foto VARCHAR(100), 
	requiere_acceso_sistema BOOLEAN NOT NULL, 
	especialidad VARCHAR(100), 
	numero_colegio VARCHAR(50), 
	puede_gestionar_citas BOOLEAN NOT NULL, 
	puede_gestionar_clientes BOOLEAN NOT NULL, 
	puede_gestionar_insumos BOOLEAN NOT NULL, 
	puede_gestionar_personal BOOLEAN NOT NULL, 
	puede_ver_reportes BOOLEAN NOT NULL, 
	puede_crear_odontogramas BOOLEAN NOT NULL, 
	CONSTRAINT pk_personal_perfil PRIMARY KEY (id)
);
CREATE TABLE citas_auditorialog (
	id INTEGER NOT NULL, 
	usuario_id INTEGER, 
	accion VARCHAR(20) NOT NULL, 
	modulo VARCHAR(20) NOT NULL, 
	descripcion VARCHAR(500) NOT NULL, 
	detalles TEXT, 
	ip_address TEXT, 
	fecha_hora TEXT NOT NULL, 
	objeto_id INTEGER, 
	tipo_objeto VARCHAR(100), 
	CONSTRAINT pk_citas_auditorialog PRIMARY KEY (id)
);
CREATE TABLE citas_horariodentista (
	id INTEGER NOT NULL, 
	dentista_id INTEGER NOT NULL, 
	dia_semana INTEGER NOT NULL, 
	hora_inicio TIME NOT NULL, 
	hora_fin TIME NOT NULL, 
	activo BOOLEAN NOT NULL, 
	creado_el TEXT NOT NULL, 
	actualizado_el TEXT NOT NULL, 
	CONSTRAINT pk_citas_horariodentista PRIMARY KEY (id)
);
CREATE TABLE citas_tiposervicio (
	id INTEGER NOT NULL, 
	nombre VARCHAR(150) NOT NULL, 
	descripcion TEXT, 
	categoria VARCHAR(20) NOT NULL, 
	precio_base BIGINT NOT NULL, 
	activo BOOLEAN NOT NULL, 
	requiere_dentista BOOLEAN NOT NULL, 
	duracion_estimada INTEGER, 
	creado_el TEXT NOT NULL, 
	actualizado_el TEXT NOT NULL, 
	creado_por_id INTEGER, 
	CONSTRAINT pk_citas_tiposervicio PRIMARY KEY (id)
);
CREATE TABLE finanzas_egresomanual (
	id INTEGER NOT NULL, 
	monto BIGINT NOT NULL, 
	descripcion VARCHAR(200) NOT NULL, 
	fecha DATE NOT NULL, 
	notas TEXT, 
	creado_por_id INTEGER, 
	creado_el TEXT NOT NULL, 
	CONSTRAINT pk_finanzas_egresomanual PRIMARY KEY (id)
);
CREATE TABLE finanzas_ingresomanual (
	id INTEGER NOT NULL, 
	monto BIGINT NOT NULL, 
	descripcion VARCHAR(200) NOT NULL, 
	fecha DATE NOT NULL, 
	notas TEXT, 
	creado_por_id INTEGER, 
	creado_el TEXT NOT NULL, 
	CONSTRAINT pk_finanzas_ingresomanual PRIMARY KEY (id)
);
CREATE TABLE pacientes_cliente (
	id INTEGER NOT NULL, 
	nombre_completo VARCHAR(150) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	rut VARCHAR(12), 
	telefono VARCHAR(20) NOT NULL, 
	fecha_nacimiento DATE, 
	alergias TEXT, 
	fecha_registro TEXT NOT NULL, 
	activo BOOLEAN NOT NULL, 
	notas TEXT, 
	user_id INTEGER, 
	dentista_asignado_id INTEGER, 
	CONSTRAINT pk_pacientes_cliente PRIMARY KEY (id)
);
CREATE TABLE citas_cita (
	id INTEGER NOT NULL, 
	fecha_hora TEXT NOT NULL, 
	cliente_id INTEGER, 
	paciente_nombre VARCHAR(150), 
	paciente_email VARCHAR(254), 
	paciente_telefono VARCHAR(20), 
	estado VARCHAR(20) NOT NULL, 
	tipo_consulta VARCHAR(100), 
	tipo_servicio_id INTEGER, 
	precio_cobrado BIGINT, 
	notas TEXT, 
	notas_paciente TEXT, 
	hora_llegada TEXT, 
	motivo_no_asistencia TEXT, 
	metodo_pago VARCHAR(20), 
	motivo_ajuste_precio TEXT, 
	notas_finalizacion TEXT, 
	creada_el TEXT NOT NULL, 
	actualizada_el TEXT NOT NULL, 
	creada_por_id INTEGER, 
	completada_por_id INTEGER, 
	fecha_completada TEXT, 
	dentista_id INTEGER, 
	plan_tratamiento_id INTEGER, 
	fase_tratamiento_id INTEGER, 
	whatsapp_message_sid VARCHAR(100), 
	fin TEXT, 
	sala_id INTEGER, 
	sobrecupo_motivo TEXT, 
	CONSTRAINT pk_citas_cita PRIMARY KEY (id)
);
CREATE TABLE finanzas_recibo (
	id INTEGER NOT NULL, 
	serie INTEGER NOT NULL, 
	numero INTEGER NOT NULL, 
	cliente_id INTEGER, 
	cliente_nombre VARCHAR(150) NOT NULL, 
	total BIGINT NOT NULL, 
	emitido_el TEXT NOT NULL, 
	reversa_de_id INTEGER, 
	motivo_reversa TEXT, 
	creado_por_id INTEGER, 
	creado_el TEXT NOT NULL, 
	dispositivo INTEGER NOT NULL, 
	CONSTRAINT pk_finanzas_recibo PRIMARY KEY (id)
);
CREATE TABLE clinica_notasesion (
	id INTEGER NOT NULL, 
	cliente_id INTEGER NOT NULL, 
	cita_id INTEGER, 
	profesional_id INTEGER, 
	texto TEXT NOT NULL, 
	firmada_el TEXT, 
	creada_el TEXT NOT NULL, 
	actualizada_el TEXT NOT NULL, 
	CONSTRAINT pk_clinica_notasesion PRIMARY KEY (id)
);
CREATE TABLE finanzas_cargo (
	id INTEGER NOT NULL, 
	cliente_id INTEGER, 
	cliente_nombre VARCHAR(150) NOT NULL, 
	cita_id INTEGER, 
	servicio_id INTEGER, 
	profesional_id INTEGER, 
	descripcion VARCHAR(200) NOT NULL, 
	cantidad INTEGER NOT NULL, 
	precio_unitario BIGINT NOT NULL, 
	descuento BIGINT NOT NULL, 
	descuento_motivo TEXT, 
	monto BIGINT NOT NULL, 
	fecha DATE NOT NULL, 
	reversa_de_id INTEGER, 
	motivo_reversa TEXT, 
	creado_por_id INTEGER, 
	creado_el TEXT NOT NULL, 
	dispositivo INTEGER NOT NULL, 
	CONSTRAINT pk_finanzas_cargo PRIMARY KEY (id)
);
CREATE TABLE finanzas_pago (
	id INTEGER NOT NULL, 
	recibo_id INTEGER NOT NULL, 
	cliente_id INTEGER, 
	metodo VARCHAR(20) NOT NULL, 
	monto BIGINT NOT NULL, 
	referencia VARCHAR(100), 
	recibido BIGINT, 
	pagado_el TEXT NOT NULL, 
	reversa_de_id INTEGER, 
	creado_por_id INTEGER, 
	creado_el TEXT NOT NULL, 
	dispositivo INTEGER NOT NULL, 
	CONSTRAINT pk_finanzas_pago PRIMARY KEY (id)
);
CREATE TABLE caja_movimiento (
	id INTEGER NOT NULL, 
	tipo VARCHAR(20) NOT NULL, 
	metodo VARCHAR(20) NOT NULL, 
	monto BIGINT NOT NULL, 
	pago_id INTEGER, 
	concepto VARCHAR(200), 
	ocurrido_el TEXT NOT NULL, 
	creado_por_id INTEGER, 
	creado_el TEXT NOT NULL, 
	dispositivo INTEGER NOT NULL, 
	CONSTRAINT pk_caja_movimiento PRIMARY KEY (id)
);
CREATE TABLE finanzas_asignacion (
	id INTEGER NOT NULL, 
	pago_id INTEGER NOT NULL, 
	cargo_id INTEGER NOT NULL, 
	monto BIGINT NOT NULL, 
	creado_por_id INTEGER, 
	creado_el TEXT NOT NULL, 
	dispositivo INTEGER NOT NULL, 
	CONSTRAINT pk_finanzas_asignacion PRIMARY KEY (id)
);
CREATE INDEX ix_agenda_sala_nombre ON agenda_sala (nombre);
CREATE INDEX ix_auth_user_username ON auth_user (username);
CREATE INDEX ix_configuracion_ajuste_clave ON configuracion_ajuste (clave);
CREATE INDEX ix_cuentas_perfilcliente_user_id ON cuentas_perfilcliente (user_id);
CREATE INDEX ix_personal_perfil_user_id ON personal_perfil (user_id);
CREATE INDEX ix_citas_auditorialog_fecha_hora ON citas_auditorialog (fecha_hora);
CREATE INDEX ix_citas_horariodentista_dentista_id_dia_semana_hora_inicio_hora_fin ON citas_horariodentista (dentista_id, dia_semana, hora_inicio, hora_fin);
CREATE INDEX ix_citas_tiposervicio_nombre ON citas_tiposervicio (nombre);
CREATE INDEX ix_pacientes_cliente_dentista_asignado_id ON pacientes_cliente (dentista_asignado_id);
CREATE INDEX ix_pacientes_cliente_email ON pacientes_cliente (email);
CREATE INDEX ix_pacientes_cliente_rut ON pacientes_cliente (rut);
CREATE INDEX ix_pacientes_cliente_user_id ON pacientes_cliente (user_id);
CREATE INDEX ix_citas_cita_cliente_id ON citas_cita (cliente_id);
CREATE INDEX ix_citas_cita_dentista_id_fecha_hora ON citas_cita (dentista_id, fecha_hora);
CREATE INDEX ix_citas_cita_fecha_hora ON citas_cita (fecha_hora);
CREATE INDEX ix_finanzas_recibo_cliente_id ON finanzas_recibo (cliente_id);
CREATE INDEX ix_finanzas_recibo_reversa_de_id ON finanzas_recibo (reversa_de_id);
CREATE INDEX ix_finanzas_recibo_serie_numero ON finanzas_recibo (serie, numero);
CREATE INDEX ix_clinica_notasesion_cita_id ON clinica_notasesion (cita_id);
CREATE INDEX ix_clinica_notasesion_cliente_id ON clinica_notasesion (cliente_id);
CREATE INDEX ix_clinica_notasesion_profesional_id ON clinica_notasesion (profesional_id);
CREATE INDEX ix_finanzas_cargo_cita_id ON finanzas_cargo (cita_id);
CREATE INDEX ix_finanzas_cargo_cliente_id ON finanzas_cargo (cliente_id);
CREATE INDEX ix_finanzas_cargo_reversa_de_id ON finanzas_cargo (reversa_de_id);
CREATE INDEX ix_finanzas_pago_cliente_id ON finanzas_pago (cliente_id);
CREATE INDEX ix_finanzas_pago_pagado_el ON finanzas_pago (pagado_el);
CREATE INDEX ix_finanzas_pago_recibo_id ON finanzas_pago (recibo_id);
CREATE INDEX ix_finanzas_pago_reversa_de_id ON finanzas_pago (reversa_de_id);
CREATE INDEX ix_caja_movimiento_ocurrido_el ON caja_movimiento (ocurrido_el);
CREATE INDEX ix_caja_movimiento_pago_id ON caja_movimiento (pago_id);
CREATE INDEX ix_finanzas_asignacion_cargo_id ON finanzas_asignacion (cargo_id);
CREATE INDEX ix_finanzas_asignacion_pago_id ON finanzas_asignacion (pago_id);
INSERT INTO alembic_version VALUES ('0003');
INSERT INTO pacientes_cliente VALUES (1, 'María José González Muñoz', 'maria@example.com', '12345678-5', '+56987654321', NULL, NULL, '2026-11-20T12:00:00+00:00', 1, NULL, NULL, NULL);
INSERT INTO pacientes_cliente VALUES (2, 'Juan Pérez Soto', 'juan@example.com', '11111111-1', '+56987654321', NULL, NULL, '2026-11-20T12:00:00+00:00', 1, NULL, NULL, NULL);
INSERT INTO finanzas_recibo VALUES (549755813889, 1, 1, 1, 'María José González Muñoz', 1250050, '2026-11-20T12:00:00+00:00', NULL, NULL, NULL, '2026-11-20T12:00:00+00:00', 1);
COMMIT;
