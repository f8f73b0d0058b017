-- What a content is compared with when it is read. Unknown of those that are older.
ALTER TABLE content_octets ADD COLUMN checksum INTEGER;  -- CRC-32 of the whole
