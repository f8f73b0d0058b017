-- Next hops that could not be reached. What waits for one waits with it: no row of a recipient
-- changes, however many there are.
CREATE TABLE queue_next_hop (
    domain   TEXT PRIMARY KEY,               -- as in queue_recipient
    until    INTEGER NOT NULL,               -- it is not tried before
    failures INTEGER NOT NULL,               -- one after another
    reason   TEXT NOT NULL,                  -- what was met, for people
    status   TEXT NOT NULL,                  -- as an enhanced status code (RFC 3463)
    remote   TEXT NOT NULL,                  -- the MTA that said so
    reply    TEXT NOT NULL                   -- its words
) WITHOUT ROWID;
CREATE INDEX queue_next_hop_until ON queue_next_hop (until);
