-- What the registration authority API keeps beyond 0001.

INSERT INTO sequence (name, next) VALUES ('scratchcard-pk', 301), ('document', 401);

-- Names become unique: what carries an earlier one's name gets its number appended.
UPDATE authority SET name = name || ' (' || id || ')'
WHERE EXISTS (SELECT 1 FROM authority AS earlier
              WHERE earlier.name = authority.name AND earlier.id < authority.id);
CREATE UNIQUE INDEX authority_name ON authority (name);
ALTER TABLE authority ADD COLUMN parent INTEGER REFERENCES authority (id);
ALTER TABLE authority ADD COLUMN particulars TEXT NOT NULL DEFAULT '{}';
ALTER TABLE authority ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
CREATE INDEX authority_parent ON authority (parent);

-- Numbers follow the order in which certificates were recorded.
ALTER TABLE certificate ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE certificate ADD COLUMN reason INTEGER;
ALTER TABLE certificate ADD COLUMN renewal INTEGER NOT NULL DEFAULT 0 CHECK (renewal IN (0, 1));
UPDATE certificate SET number = numbered.number
FROM (SELECT serial, 500 + ROW_NUMBER() OVER (ORDER BY recorded_at, serial) AS number
      FROM certificate) AS numbered
WHERE numbered.serial = certificate.serial;
INSERT INTO sequence (name, next) SELECT 'certificate', 501 + COUNT(*) FROM certificate;
CREATE UNIQUE INDEX certificate_number ON certificate (number);
CREATE INDEX certificate_not_good ON certificate (not_after)
    WHERE state IN ('revoked', 'suspended');

-- Keys in the cloud, of officers and subscribers alike; empty serial: not issued here.
CREATE TABLE credential (
    username TEXT PRIMARY KEY,
    request INTEGER REFERENCES request (pk),
    serial TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    wrapped_key BLOB NOT NULL,
    recovery_key BLOB,
    under_master INTEGER NOT NULL CHECK (under_master IN (0, 1)),
    failures INTEGER NOT NULL,
    pin_failures INTEGER NOT NULL,
    blocked_until INTEGER,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX credential_request ON credential (request);
CREATE INDEX credential_serial ON credential (serial);

ALTER TABLE officer ADD COLUMN serial TEXT;
ALTER TABLE officer ADD COLUMN document_number TEXT;
ALTER TABLE officer ADD COLUMN document_description TEXT;
ALTER TABLE officer ADD COLUMN document_issuer TEXT;
ALTER TABLE officer ADD COLUMN email TEXT;
ALTER TABLE officer ADD COLUMN is_identificator INTEGER NOT NULL DEFAULT 0
    CHECK (is_identificator IN (0, 1));
UPDATE officer SET serial = (SELECT MIN(serial) FROM certificate WHERE der = officer.certificate);
INSERT INTO credential (username, serial, password_hash, wrapped_key, under_master, failures,
                        pin_failures, created_at)
SELECT username, COALESCE(serial, ''), password_hash, wrapped_key, 0, 0, 0, created_at FROM officer;
ALTER TABLE officer DROP COLUMN password_hash;
ALTER TABLE officer DROP COLUMN wrapped_key;

CREATE TABLE officer_authority (
    officer INTEGER NOT NULL REFERENCES officer (id),
    authority INTEGER NOT NULL REFERENCES authority (id),
    PRIMARY KEY (officer, authority)
) STRICT;
CREATE INDEX officer_authority_authority ON officer_authority (authority);
INSERT INTO officer_authority (officer, authority) SELECT id, ra FROM officer;

CREATE TABLE api_user (
    id INTEGER PRIMARY KEY,
    ra INTEGER NOT NULL REFERENCES authority (id),
    permissions INTEGER NOT NULL,
    request INTEGER REFERENCES request (pk),
    officer INTEGER REFERENCES officer (id),
    serial TEXT UNIQUE,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX api_user_ra ON api_user (ra);
CREATE INDEX api_user_request ON api_user (request);

ALTER TABLE request ADD COLUMN workflow TEXT NOT NULL DEFAULT 'one-shot';
ALTER TABLE request ADD COLUMN secure_element INTEGER NOT NULL DEFAULT 2;
ALTER TABLE request ADD COLUMN validity_days INTEGER;
ALTER TABLE request ADD COLUMN paperless INTEGER NOT NULL DEFAULT 0 CHECK (paperless IN (0, 1));
ALTER TABLE request ADD COLUMN language TEXT;
ALTER TABLE request ADD COLUMN identification_officer INTEGER REFERENCES officer (id);
ALTER TABLE request ADD COLUMN validation_officer INTEGER REFERENCES officer (id);
ALTER TABLE request ADD COLUMN registering_user INTEGER REFERENCES api_user (id);
ALTER TABLE request ADD COLUMN approving_user INTEGER REFERENCES api_user (id);
ALTER TABLE request ADD COLUMN approved_at INTEGER;
ALTER TABLE request ADD COLUMN renewal_enabled INTEGER NOT NULL DEFAULT 0
    CHECK (renewal_enabled IN (0, 1));
ALTER TABLE request ADD COLUMN renewals INTEGER NOT NULL DEFAULT 0;
CREATE INDEX request_registration ON request (ra, pk) WHERE workflow <> 'one-shot';

-- Keyed digests of what requests are searched by; the values themselves are sealed.
CREATE TABLE request_index (
    request INTEGER NOT NULL REFERENCES request (pk),
    field TEXT NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (request, field)
) STRICT;
CREATE INDEX request_index_digest ON request_index (field, digest);

CREATE TABLE scratchcard (
    pk INTEGER PRIMARY KEY,
    sn TEXT NOT NULL UNIQUE,
    ra INTEGER NOT NULL REFERENCES authority (id),
    secrets BLOB NOT NULL,
    used_by INTEGER REFERENCES request (pk),
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX scratchcard_unused ON scratchcard (ra, length(sn), sn) WHERE used_by IS NULL;

-- A request has a code for each purpose.
CREATE TABLE otp_by_purpose (
    request INTEGER NOT NULL REFERENCES request (pk),
    purpose TEXT NOT NULL,
    salt BLOB NOT NULL,
    digest BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    attempts_left INTEGER NOT NULL,
    consumed INTEGER NOT NULL CHECK (consumed IN (0, 1)),
    binding BLOB,
    PRIMARY KEY (request, purpose)
) STRICT;
INSERT INTO otp_by_purpose SELECT request, 'sign', salt, digest, created_at, expires_at,
    attempts_left, consumed, binding FROM otp;
DROP TABLE otp;
ALTER TABLE otp_by_purpose RENAME TO otp;

-- NULL for what came before documents had numbers.
ALTER TABLE evidence_image ADD COLUMN number INTEGER;
ALTER TABLE paper ADD COLUMN number INTEGER;

CREATE TABLE attachment (
    number INTEGER PRIMARY KEY,
    request INTEGER NOT NULL REFERENCES request (pk),
    kind TEXT NOT NULL,
    label TEXT,
    blob TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    size INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    uploaded_at INTEGER NOT NULL
) STRICT;
CREATE INDEX attachment_request ON attachment (request, number);
CREATE INDEX attachment_blob ON attachment (blob);

CREATE TABLE enrolment (
    request INTEGER PRIMARY KEY REFERENCES request (pk),
    token_digest BLOB NOT NULL UNIQUE,
    token BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    device BLOB,
    device_until INTEGER,
    completed_at INTEGER,
    pickup BLOB
) STRICT;
