-- The header fields that mail programs list messages by (message/listed.py), so that a list does
-- not read headers, each of which lies in a page of its own with the body. NULL of those that are
-- older, and where they are too much: the header is read.
ALTER TABLE summary ADD COLUMN listed BLOB;
