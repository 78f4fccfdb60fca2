-- Signatures: pictures and metadata for them, hash documents, archives, the register and its log.

-- One-Shot requests that are approved on creation, and work that is done after the answer. A job's
-- payload is sealed and goes when the job does.
DROP INDEX request_registration;
CREATE INDEX request_registration ON request (ra, pk) WHERE workflow IN ('videoid', 'classic');
ALTER TABLE request ADD COLUMN asynchronous BIGINT NOT NULL DEFAULT 0
    CHECK (asynchronous IN (0, 1));

CREATE TABLE job (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request BIGINT NOT NULL REFERENCES request (pk),
    kind TEXT NOT NULL,
    payload BYTEA NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'failed')),
    attempts BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    leased_until BIGINT,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    UNIQUE (request, kind)
);
CREATE INDEX job_due ON job (next_at) WHERE state = 'pending';

-- What is signed, and until when it can be validated without a new archive time-stamp.
ALTER TABLE document ADD COLUMN descriptor TEXT;
ALTER TABLE document ADD COLUMN good_until BIGINT;
ALTER TABLE paper ADD COLUMN good_until BIGINT;
CREATE INDEX document_good_until ON document (good_until) WHERE good_until IS NOT NULL;
CREATE INDEX paper_good_until ON paper (good_until) WHERE good_until IS NOT NULL;

-- Which authority issued a certificate, by its key's identifier, and which shard of that authority's
-- revocation lists tells of it; empty until the first start after this migration names the only
-- authority there was. Revisions count revocations, suspensions and their ends, so that every process
-- sees what others changed.
ALTER TABLE certificate ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
ALTER TABLE certificate ADD COLUMN shard BIGINT;
ALTER TABLE certificate ADD COLUMN revision BIGINT;
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
);

-- The authorities' own certificates, which have no place among the numbers that clients see.
CREATE TABLE authority_certificate (
    serial TEXT PRIMARY KEY,
    office TEXT NOT NULL,
    issuer TEXT NOT NULL,
    der BYTEA NOT NULL,
    not_before BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL
);

-- Pictures that visible signatures may show, and metadata that signatures may carry. Neither belongs
-- to a request; both are sealed.
CREATE TABLE image (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    file_name TEXT NOT NULL,
    width BIGINT NOT NULL,
    height BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    uploaded_at BIGINT NOT NULL
);

CREATE TABLE metadata (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    oid TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    stored_at BIGINT NOT NULL
);

-- The issuance log. An entry is made in the transaction that stores a certificate as signed, and
-- takes its place when the next checkpoint is made. Nodes are hashes of the tree that never change
-- any more; the head is what the next entry is hashed onto.
CREATE FUNCTION refuse_log_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the issuance log is append-only'; END $$;

CREATE TABLE log_entry (
    serial TEXT PRIMARY KEY REFERENCES certificate (serial),
    commitment BYTEA NOT NULL,
    sealed_salt BYTEA NOT NULL,
    place BIGINT UNIQUE
);
CREATE INDEX log_entry_waiting ON log_entry (commitment) WHERE place IS NULL;
CREATE TRIGGER log_entry_stays BEFORE DELETE ON log_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_log_change();
CREATE TRIGGER log_entry_keeps_its_place BEFORE UPDATE ON log_entry FOR EACH ROW
    WHEN (OLD.place IS NOT NULL OR OLD.serial <> NEW.serial OR OLD.commitment <> NEW.commitment)
    EXECUTE FUNCTION refuse_log_change();
CREATE TRIGGER log_entry_loses_nothing BEFORE TRUNCATE ON log_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_log_change();

CREATE TABLE log_node (
    level BIGINT NOT NULL,
    place BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (level, place)
);
CREATE TRIGGER log_node_stays BEFORE UPDATE OR DELETE ON log_node
    FOR EACH ROW EXECUTE FUNCTION refuse_log_change();
CREATE TRIGGER log_node_loses_nothing BEFORE TRUNCATE ON log_node
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_log_change();

CREATE TABLE log_head (
    only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
    frontier BYTEA NOT NULL
);
INSERT INTO log_head (only_row, frontier) VALUES (1, decode(repeat('00', 8), 'hex'));

CREATE TABLE log_checkpoint (
    size BIGINT PRIMARY KEY,
    note TEXT NOT NULL,
    signed_at BIGINT NOT NULL
);
CREATE TRIGGER log_checkpoint_stays BEFORE UPDATE OR DELETE ON log_checkpoint
    FOR EACH ROW EXECUTE FUNCTION refuse_log_change();
CREATE TRIGGER log_checkpoint_loses_nothing BEFORE TRUNCATE ON log_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_log_change();

-- The key that signs checkpoints, sealed under the master key, and the name that the log keeps.
CREATE TABLE log_key (
    only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
    name TEXT NOT NULL,
    sealed BYTEA NOT NULL
);

-- Keyed digests of what the register of certificates is searched by.
CREATE TABLE register_index (
    digest TEXT NOT NULL,
    serial TEXT NOT NULL REFERENCES certificate (serial),
    PRIMARY KEY (digest, serial)
);
CREATE INDEX certificate_recorded ON certificate (recorded_at, serial);

-- How long the tokens of others' time-stamping units got so far, in bytes.
CREATE TABLE time_stamping_unit (
    url TEXT PRIMARY KEY,
    longest_token BIGINT NOT NULL
);
