-- Signatures: pictures and metadata for them, hash documents, archives, the register and its log.

-- One-Shot requests that are approved on creation, and work that is done after the answer. A job's
-- payload is sealed and goes when the job does.
DROP INDEX request_registration;
CREATE INDEX request_registration ON request (ra, pk) WHERE workflow IN ('videoid', 'classic');
ALTER TABLE request ADD COLUMN asynchronous INTEGER NOT NULL DEFAULT 0
    CHECK (asynchronous IN (0, 1));

CREATE TABLE job (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    request INTEGER NOT NULL REFERENCES request (pk),
    kind TEXT NOT NULL,
    payload BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'failed')),
    attempts INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    leased_until INTEGER,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (request, kind)
) STRICT;
CREATE INDEX job_due ON job (next_at) WHERE state = 'pending';

-- What is signed, and until when it can be validated without a new archive time-stamp.
ALTER TABLE document ADD COLUMN descriptor TEXT;
ALTER TABLE document ADD COLUMN good_until INTEGER;
ALTER TABLE paper ADD COLUMN good_until INTEGER;
CREATE INDEX document_good_until ON document (good_until) WHERE good_until IS NOT NULL;
CREATE INDEX paper_good_until ON paper (good_until) WHERE good_until IS NOT NULL;

-- Which authority issued a certificate, by its key's identifier, and which shard of that authority's
-- revocation lists tells of it; empty until the first start after this migration names the only
-- authority there was. Revisions count revocations, suspensions and their ends, so that every process
-- sees what others changed.
ALTER TABLE certificate ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
ALTER TABLE certificate ADD COLUMN shard INTEGER;
ALTER TABLE certificate ADD COLUMN revision INTEGER;
DROP INDEX certificate_not_good;
CREATE INDEX certificate_not_good ON certificate (issuer, shard, not_after)
    WHERE state IN ('revoked', 'suspended');
CREATE INDEX certificate_unnamed ON certificate (serial) WHERE issuer = '';
CREATE INDEX certificate_revision ON certificate (revision) WHERE revision IS NOT NULL;
INSERT INTO sequence (name, next) VALUES ('revocation', 1);

-- Where an authority's revocation lists were ever said to be: lists name all of it, so that
-- certificates find theirs after the server moved.
CREATE TABLE list_folder (
    issuer TEXT NOT NULL,
    folder TEXT NOT NULL,
    PRIMARY KEY (issuer, folder)
) STRICT;

-- The authorities' own certificates, which have no place among the numbers that clients see.
CREATE TABLE authority_certificate (
    serial TEXT PRIMARY KEY,
    office TEXT NOT NULL,
    issuer TEXT NOT NULL,
    der BLOB NOT NULL,
    not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL
) STRICT;

-- Pictures that visible signatures may show, and metadata that signatures may carry. Neither belongs
-- to a request; both are sealed.
CREATE TABLE image (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL UNIQUE,
    file_name TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    uploaded_at INTEGER NOT NULL
) STRICT;

CREATE TABLE metadata (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL UNIQUE,
    oid TEXT NOT NULL,
    sealed BLOB NOT NULL,
    stored_at INTEGER NOT NULL
) STRICT;

-- The issuance log. An entry is made in the transaction that stores a certificate as signed, and
-- takes its place when the next checkpoint is made. Nodes are hashes of the tree that never change
-- any more; the head is what the next entry is hashed onto.
CREATE TABLE log_entry (
    serial TEXT PRIMARY KEY REFERENCES certificate (serial),
    commitment BLOB NOT NULL,
    sealed_salt BLOB NOT NULL,
    place INTEGER UNIQUE
) STRICT;
CREATE INDEX log_entry_waiting ON log_entry (commitment) WHERE place IS NULL;
CREATE TRIGGER log_entry_stays BEFORE DELETE ON log_entry
BEGIN SELECT RAISE(ABORT, 'the issuance log is append-only'); END;
CREATE TRIGGER log_entry_keeps_its_place BEFORE UPDATE ON log_entry
WHEN OLD.place IS NOT NULL OR OLD.serial <> NEW.serial OR OLD.commitment <> NEW.commitment
BEGIN SELECT RAISE(ABORT, 'the issuance log is append-only'); END;

CREATE TABLE log_node (
    level INTEGER NOT NULL,
    place INTEGER NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (level, place)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER log_node_never_changes BEFORE UPDATE ON log_node
BEGIN SELECT RAISE(ABORT, 'the issuance log is append-only'); END;
CREATE TRIGGER log_node_stays BEFORE DELETE ON log_node
BEGIN SELECT RAISE(ABORT, 'the issuance log is append-only'); END;

CREATE TABLE log_head (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    frontier BLOB NOT NULL
) STRICT;
INSERT INTO log_head (only_row, frontier) VALUES (1, zeroblob(8));

CREATE TABLE log_checkpoint (
    size INTEGER PRIMARY KEY,
    note TEXT NOT NULL,
    signed_at INTEGER NOT NULL
) STRICT;
CREATE TRIGGER log_checkpoint_never_changes BEFORE UPDATE ON log_checkpoint
BEGIN SELECT RAISE(ABORT, 'the issuance log is append-only'); END;
CREATE TRIGGER log_checkpoint_stays BEFORE DELETE ON log_checkpoint
BEGIN SELECT RAISE(ABORT, 'the issuance log is append-only'); END;

-- The key that signs checkpoints, sealed under the master key, and the name that the log keeps.
CREATE TABLE log_key (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    name TEXT NOT NULL,
    sealed BLOB NOT NULL
) STRICT;

-- Keyed digests of what the register of certificates is searched by.
CREATE TABLE register_index (
    digest TEXT NOT NULL,
    serial TEXT NOT NULL REFERENCES certificate (serial),
    PRIMARY KEY (digest, serial)
) STRICT, WITHOUT ROWID;
CREATE INDEX certificate_recorded ON certificate (recorded_at, serial);

-- How long the tokens of others' time-stamping units got so far, in bytes.
CREATE TABLE time_stamping_unit (
    url TEXT PRIMARY KEY,
    longest_token INTEGER NOT NULL
) STRICT;
