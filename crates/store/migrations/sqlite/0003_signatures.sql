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
