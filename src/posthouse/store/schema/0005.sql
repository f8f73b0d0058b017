-- What POP3 sends of a message, once it has been looked at (a copy of a message is looked at anew).
ALTER TABLE message ADD COLUMN sent_size      INTEGER;  -- octets, with the end of the last line
ALTER TABLE message ADD COLUMN surrogate_size INTEGER;  -- for clients without UTF8; 0: the same,
                                                        -- -1: there is none
-- 1: it is ASCII and ends with CRLF, so that there is nothing to be looked at.
ALTER TABLE content ADD COLUMN plain INTEGER NOT NULL DEFAULT 0;

-- When POP3 has given it to a client, where messages expire thereafter.
ALTER TABLE message ADD COLUMN retrieved      INTEGER;
CREATE INDEX message_retrieved ON message (retrieved) WHERE retrieved IS NOT NULL;

-- Log-ins by POP3, where they may not follow upon one another at once.
CREATE TABLE pop3_login (
    account      INTEGER PRIMARY KEY,
    milliseconds INTEGER NOT NULL        -- since 1970
);
