-- Times are milliseconds since 1970-01-01 UTC, flags are 0 or 1, sealed bytes are opaque.

CREATE TABLE sequence (
    name TEXT PRIMARY KEY,
    next BIGINT NOT NULL
);
-- Requests and VideoID records draw from one sequence, so that a number names one of them only.
INSERT INTO sequence (name, next) VALUES ('request', 1001), ('scratchcard', 4000001);

CREATE TABLE setting (
    only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
    json TEXT NOT NULL
);

CREATE TABLE authority (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    webhook_url TEXT,
    webhook_format TEXT NOT NULL,
    webhook_secret BYTEA,
    videoid_enabled BIGINT NOT NULL CHECK (videoid_enabled IN (0, 1)),
    external_unlock TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE officer (
    id BIGINT PRIMARY KEY,
    ra BIGINT NOT NULL REFERENCES authority (id),
    username TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    given_name TEXT NOT NULL,
    surname_1 TEXT NOT NULL,
    surname_2 TEXT,
    identity TEXT NOT NULL,
    certificate BYTEA NOT NULL,
    wrapped_key BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX officer_ra ON officer (ra);

CREATE TABLE token (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    username TEXT NOT NULL,
    has_password BIGINT NOT NULL CHECK (has_password IN (0, 1)),
    has_pin BIGINT NOT NULL CHECK (has_pin IN (0, 1)),
    environment TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    fingerprint BYTEA NOT NULL UNIQUE,
    deletable BIGINT NOT NULL CHECK (deletable IN (0, 1)),
    created_at BIGINT NOT NULL
);

CREATE TABLE request (
    pk BIGINT PRIMARY KEY,
    videoid_pk BIGINT NOT NULL UNIQUE,
    video_identifier TEXT NOT NULL UNIQUE,
    scratchcard TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    ra BIGINT NOT NULL REFERENCES authority (id),
    profile TEXT NOT NULL,
    environment TEXT NOT NULL,
    webhook_url TEXT,
    webhook_format TEXT,
    data_key BYTEA NOT NULL,
    subject BYTEA NOT NULL,
    billing_username TEXT,
    refuse_reason BYTEA,
    officer BIGINT REFERENCES officer (id),
    external_unlock BYTEA,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE evidence_claims (
    request BIGINT PRIMARY KEY REFERENCES request (pk),
    sealed BYTEA NOT NULL
);

CREATE TABLE evidence_image (
    request BIGINT NOT NULL REFERENCES request (pk),
    kind TEXT NOT NULL,
    blob TEXT NOT NULL,
    sha256 BYTEA NOT NULL,
    size BIGINT NOT NULL,
    media_type TEXT NOT NULL,
    width BIGINT NOT NULL,
    height BIGINT NOT NULL,
    PRIMARY KEY (request, kind)
);
CREATE INDEX evidence_image_blob ON evidence_image (blob);

CREATE TABLE evidence_video (
    request BIGINT PRIMARY KEY REFERENCES request (pk),
    blob TEXT NOT NULL,
    sha256 BYTEA NOT NULL,
    size BIGINT NOT NULL,
    media_type TEXT NOT NULL,
    width BIGINT NOT NULL,
    height BIGINT NOT NULL,
    duration_ms BIGINT,
    codec TEXT NOT NULL,
    received_at BIGINT NOT NULL
);
CREATE INDEX evidence_video_blob ON evidence_video (blob);

CREATE TABLE document (
    uid TEXT PRIMARY KEY,
    request BIGINT NOT NULL REFERENCES request (pk),
    position BIGINT NOT NULL,
    field_name TEXT NOT NULL,
    file_name TEXT NOT NULL,
    original_blob TEXT,
    original_sha256 BYTEA,
    original_size BIGINT,
    signed_blob TEXT,
    signed_sha256 BYTEA,
    signed_size BIGINT,
    uploaded_at BIGINT NOT NULL,
    UNIQUE (request, position)
);
CREATE INDEX document_original_blob ON document (original_blob);
CREATE INDEX document_signed_blob ON document (signed_blob);

CREATE TABLE paper (
    request BIGINT NOT NULL REFERENCES request (pk),
    kind TEXT NOT NULL,
    unsigned_blob TEXT NOT NULL,
    unsigned_sha256 BYTEA NOT NULL,
    unsigned_size BIGINT NOT NULL,
    approved_blob TEXT NOT NULL,
    approved_sha256 BYTEA NOT NULL,
    approved_size BIGINT NOT NULL,
    signed_blob TEXT,
    signed_sha256 BYTEA,
    signed_size BIGINT,
    PRIMARY KEY (request, kind)
);
CREATE INDEX paper_unsigned_blob ON paper (unsigned_blob);
CREATE INDEX paper_approved_blob ON paper (approved_blob);
CREATE INDEX paper_signed_blob ON paper (signed_blob);

CREATE TABLE otp (
    request BIGINT PRIMARY KEY REFERENCES request (pk),
    salt BYTEA NOT NULL,
    digest BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    attempts_left BIGINT NOT NULL,
    consumed BIGINT NOT NULL CHECK (consumed IN (0, 1)),
    binding BYTEA
);

CREATE TABLE certificate (
    serial TEXT PRIMARY KEY,
    request BIGINT REFERENCES request (pk),
    state TEXT NOT NULL,
    tbs BYTEA NOT NULL,
    der BYTEA,
    sealed_key BYTEA,
    not_before BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX certificate_request ON certificate (request);

CREATE TABLE outbox (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    channel TEXT NOT NULL,
    request BIGINT NOT NULL REFERENCES request (pk),
    target TEXT NOT NULL,
    label TEXT NOT NULL,
    payload BYTEA NOT NULL,
    secret BYTEA,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    leased_until BIGINT,
    last_error TEXT
);
CREATE INDEX outbox_stream ON outbox (request, channel, number) WHERE state = 'pending';
CREATE INDEX outbox_due ON outbox (next_at) WHERE state = 'pending';

-- No reference to `request`: the log outlives what it speaks of.
CREATE TABLE audit (
    number BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    request BIGINT,
    details TEXT NOT NULL,
    previous BYTEA NOT NULL,
    hash BYTEA NOT NULL
);
CREATE INDEX audit_request ON audit (request, number);

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$;
CREATE TRIGGER audit_keeps_entries BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_loses_nothing BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

CREATE TABLE audit_head (
    only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
    number BIGINT NOT NULL,
    hash BYTEA NOT NULL
);
INSERT INTO audit_head (only_row, number, hash) VALUES (1, 0, decode(repeat('00', 32), 'hex'));
