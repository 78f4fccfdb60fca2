-- Wrong codes in a row, over all codes of a request and purpose.
ALTER TABLE otp ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
