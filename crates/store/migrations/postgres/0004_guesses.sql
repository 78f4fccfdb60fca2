-- Wrong codes in a row, over all codes of a request and purpose.
ALTER TABLE otp ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
