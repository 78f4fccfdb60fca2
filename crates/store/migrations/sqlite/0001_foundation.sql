-- Times are milliseconds since 1970-01-01 UTC, flags are 0 or 1, sealed bytes are opaque.

CREATE TABLE sequence (
    name TEXT PRIMARY KEY,
    next INTEGER NOT NULL
) STRICT;
-- Requests and VideoID records draw from one sequence, so that a number names one of them only.
INSERT INTO sequence (name, next) VALUES ('request', 1001), ('scratchcard', 4000001);

CREATE TABLE setting (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    json TEXT NOT NULL
) STRICT;

CREATE TABLE authority (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    webhook_url TEXT,
    webhook_format TEXT NOT NULL,
    webhook_secret BLOB,
    videoid_enabled INTEGER NOT NULL CHECK (videoid_enabled IN (0, 1)),
    external_unlock TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE officer (
    id INTEGER PRIMARY KEY,
    ra INTEGER NOT NULL REFERENCES authority (id),
    username TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    given_name TEXT NOT NULL,
    surname_1 TEXT NOT NULL,
    surname_2 TEXT,
    identity TEXT NOT NULL,
    certificate BLOB NOT NULL,
    wrapped_key BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX officer_ra ON officer (ra);

CREATE TABLE token (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL UNIQUE,
    username TEXT NOT NULL,
    has_password INTEGER NOT NULL CHECK (has_password IN (0, 1)),
    has_pin INTEGER NOT NULL CHECK (has_pin IN (0, 1)),
    environment TEXT NOT NULL,
    sealed BLOB NOT NULL,
    fingerprint BLOB NOT NULL UNIQUE,
    deletable INTEGER NOT NULL CHECK (deletable IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE request (
    pk INTEGER PRIMARY KEY,
    videoid_pk INTEGER NOT NULL UNIQUE,
    video_identifier TEXT NOT NULL UNIQUE,
    scratchcard TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    ra INTEGER NOT NULL REFERENCES authority (id),
    profile TEXT NOT NULL,
    environment TEXT NOT NULL,
    webhook_url TEXT,
    webhook_format TEXT,
    data_key BLOB NOT NULL,
    subject BLOB NOT NULL,
    billing_username TEXT,
    refuse_reason BLOB,
    officer INTEGER REFERENCES officer (id),
    external_unlock BLOB,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE evidence_claims (
    request INTEGER PRIMARY KEY REFERENCES request (pk),
    sealed BLOB NOT NULL
) STRICT;

CREATE TABLE evidence_image (
    request INTEGER NOT NULL REFERENCES request (pk),
    kind TEXT NOT NULL,
    blob TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    size INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    PRIMARY KEY (request, kind)
) STRICT;
CREATE INDEX evidence_image_blob ON evidence_image (blob);

CREATE TABLE evidence_video (
    request INTEGER PRIMARY KEY REFERENCES request (pk),
    blob TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    size INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    duration_ms INTEGER,
    codec TEXT NOT NULL,
    received_at INTEGER NOT NULL
) STRICT;
CREATE INDEX evidence_video_blob ON evidence_video (blob);

CREATE TABLE document (
    uid TEXT PRIMARY KEY,
    request INTEGER NOT NULL REFERENCES request (pk),
    position INTEGER NOT NULL,
    field_name TEXT NOT NULL,
    file_name TEXT NOT NULL,
    original_blob TEXT,
    original_sha256 BLOB,
    original_size INTEGER,
    signed_blob TEXT,
    signed_sha256 BLOB,
    signed_size INTEGER,
    uploaded_at INTEGER NOT NULL,
    UNIQUE (request, position)
) STRICT;
CREATE INDEX document_original_blob ON document (original_blob);
CREATE INDEX document_signed_blob ON document (signed_blob);

CREATE TABLE paper (
    request INTEGER NOT NULL REFERENCES request (pk),
    kind TEXT NOT NULL,
    unsigned_blob TEXT NOT NULL,
    unsigned_sha256 BLOB NOT NULL,
    unsigned_size INTEGER NOT NULL,
    approved_blob TEXT NOT NULL,
    approved_sha256 BLOB NOT NULL,
    approved_size INTEGER NOT NULL,
    signed_blob TEXT,
    signed_sha256 BLOB,
    signed_size INTEGER,
    PRIMARY KEY (request, kind)
) STRICT;
CREATE INDEX paper_unsigned_blob ON paper (unsigned_blob);
CREATE INDEX paper_approved_blob ON paper (approved_blob);
CREATE INDEX paper_signed_blob ON paper (signed_blob);

CREATE TABLE otp (
    request INTEGER PRIMARY KEY REFERENCES request (pk),
    salt BLOB NOT NULL,
    digest BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    attempts_left INTEGER NOT NULL,
    consumed INTEGER NOT NULL CHECK (consumed IN (0, 1)),
    binding BLOB
) STRICT;

CREATE TABLE certificate (
    serial TEXT PRIMARY KEY,
    request INTEGER REFERENCES request (pk),
    state TEXT NOT NULL,
    tbs BLOB NOT NULL,
    der BLOB,
    sealed_key BLOB,
    not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
CREATE INDEX certificate_request ON certificate (request);

CREATE TABLE outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    channel TEXT NOT NULL,
    request INTEGER NOT NULL REFERENCES request (pk),
    target TEXT NOT NULL,
    label TEXT NOT NULL,
    payload BLOB NOT NULL,
    secret BLOB,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    leased_until INTEGER,
    last_error TEXT
) STRICT;
CREATE INDEX outbox_stream ON outbox (request, channel, number) WHERE state = 'pending';
CREATE INDEX outbox_due ON outbox (next_at) WHERE state = 'pending';

-- No reference to `request`: the log outlives what it speaks of.
CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    request INTEGER,
    details TEXT NOT NULL,
    previous BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE INDEX audit_request ON audit (request, number);

CREATE TRIGGER audit_keeps_entries BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_loses_nothing BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TABLE audit_head (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    number INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;
INSERT INTO audit_head (only_row, number, hash) VALUES (1, 0, zeroblob(32));
