-- Less is written for each certificate.

-- What the register is searched by, a short row for each certificate in the order of their records: eight
-- bytes of each digest, one after the other. A search reads through it. A line per word in the order of
-- digests had every certificate write a page of its own for each of its words.
CREATE TABLE register_entry (
    number BIGINT PRIMARY KEY REFERENCES certificate (number),
    digests BYTEA NOT NULL
);
INSERT INTO register_entry (number, digests)
SELECT certificate.number, decode(string_agg(substr(digest, 1, 16), ''), 'hex')
FROM register_index JOIN certificate ON certificate.serial = register_index.serial
GROUP BY certificate.number;
DROP TABLE register_index;

-- A signed certificate says itself what was on record for it.
UPDATE certificate SET tbs = '' WHERE der IS NOT NULL;

-- Entries that wait are few and found by their missing place, which is indexed.
DROP INDEX log_entry_waiting;

-- Nobody looks for the blobs of what has none.
DROP INDEX document_original_blob;
DROP INDEX document_signed_blob;
DROP INDEX paper_signed_blob;
CREATE INDEX document_original_blob ON document (original_blob) WHERE original_blob IS NOT NULL;
CREATE INDEX document_signed_blob ON document (signed_blob) WHERE signed_blob IS NOT NULL;
CREATE INDEX paper_signed_blob ON paper (signed_blob) WHERE signed_blob IS NOT NULL;
