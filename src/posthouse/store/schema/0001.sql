-- The one database. Every table leads with the key that it is sharded by: account, content or
-- queue. Times are whole seconds since 1970 (UTC), sizes are octets.

-- Facts of the installation, by name.
CREATE TABLE fact (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE domain (
    name    TEXT PRIMARY KEY,            -- A-labels, lower case
    created INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE account (
    id                INTEGER PRIMARY KEY,
    address           TEXT NOT NULL UNIQUE,           -- canonical
    password          TEXT NOT NULL,                  -- Argon2id, PHC string form
    created           INTEGER NOT NULL,
    quota             INTEGER NOT NULL DEFAULT 0,     -- octets that it may keep; 0: any
    modseq            INTEGER NOT NULL DEFAULT 1,     -- of the last change (RFC 7162)
    next_mailbox      INTEGER NOT NULL DEFAULT 1,
    next_uid_validity INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE alias (
    address TEXT NOT NULL,               -- canonical
    target  TEXT NOT NULL,               -- any address
    PRIMARY KEY (address, target)
) WITHOUT ROWID;

-- The counters are kept with the mailbox, so that SELECT and STATUS read one row.
CREATE TABLE mailbox (
    account        INTEGER NOT NULL,
    id             INTEGER NOT NULL,     -- 1 is INBOX; never used again
    name           TEXT NOT NULL,        -- UTF-8, "/" between levels
    special_use    TEXT NOT NULL DEFAULT '',          -- "\Sent" (RFC 6154)
    uid_validity   INTEGER NOT NULL,
    uid_next       INTEGER NOT NULL DEFAULT 1,
    messages       INTEGER NOT NULL DEFAULT 0 CHECK (messages >= 0),
    unseen         INTEGER NOT NULL DEFAULT 0 CHECK (unseen >= 0),
    octets         INTEGER NOT NULL DEFAULT 0 CHECK (octets >= 0),
    highest_modseq INTEGER NOT NULL,
    recent_from    INTEGER NOT NULL DEFAULT 1,        -- UIDs from here on are \Recent
    change_floor   INTEGER NOT NULL DEFAULT 0,        -- changes up to here may be forgotten
    PRIMARY KEY (account, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX mailbox_by_name ON mailbox (account, name);

-- A name may be subscribed to that has no mailbox (RFC 3501 §6.3.6).
CREATE TABLE subscription (
    account INTEGER NOT NULL,
    name    TEXT NOT NULL,
    PRIMARY KEY (account, name)
) WITHOUT ROWID;

CREATE TABLE message (
    account       INTEGER NOT NULL,
    mailbox       INTEGER NOT NULL,
    uid           INTEGER NOT NULL,
    modseq        INTEGER NOT NULL,
    flags         TEXT NOT NULL DEFAULT '',           -- as in FETCH, in one order: "\Seen $Junk"
    internal_date INTEGER NOT NULL,
    size          INTEGER NOT NULL,      -- prefix and content: what the reader gets
    content       INTEGER NOT NULL,
    prefix        BLOB NOT NULL DEFAULT x'',          -- header fields of this copy alone
    PRIMARY KEY (account, mailbox, uid)
) WITHOUT ROWID;

-- The change feed: one row a unit of work and mailbox, with the UIDs it touched ("1:5,9").
-- kind: a appended, f flags, x expunged, m the mailbox itself (created, renamed, deleted).
CREATE TABLE change (
    account INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,
    modseq  INTEGER NOT NULL,
    kind    TEXT NOT NULL CHECK (kind IN ('a', 'f', 'x', 'm')),
    uids    TEXT NOT NULL,
    PRIMARY KEY (account, mailbox, modseq, kind)
) WITHOUT ROWID;

-- Expunged messages: their content stays readable for sessions not told yet, then is swept.
CREATE TABLE tombstone (
    account       INTEGER NOT NULL,
    mailbox       INTEGER NOT NULL,
    uid           INTEGER NOT NULL,
    modseq        INTEGER NOT NULL,
    internal_date INTEGER NOT NULL,
    size          INTEGER NOT NULL,
    content       INTEGER NOT NULL,
    prefix        BLOB NOT NULL,
    expunged      INTEGER NOT NULL,                   -- when
    PRIMARY KEY (account, mailbox, uid)
) WITHOUT ROWID;
CREATE INDEX tombstone_by_time ON tombstone (expunged);

-- What messages and the queue refer to; written once.
CREATE TABLE content (
    id     INTEGER PRIMARY KEY,
    size   INTEGER NOT NULL,             -- header and body, as sent
    refs   INTEGER NOT NULL CHECK (refs >= 0),        -- messages, tombstones, queued messages
    file   TEXT                          -- where the whole lies, when it is too large for a row
);

CREATE INDEX content_unused ON content (id) WHERE refs = 0;
CREATE INDEX content_by_file ON content (file) WHERE file IS NOT NULL;
CREATE TABLE content_octets (
    content INTEGER PRIMARY KEY,
    header  BLOB NOT NULL,               -- with the empty line; empty if it is too large for a row
    body    BLOB NOT NULL,               -- empty if the content lies in a file
    packed  INTEGER NOT NULL             -- 1: body is a zstd frame
);

-- What readers ask for often, as octets ready to send, with the version of their maker.
CREATE TABLE summary (
    content       INTEGER PRIMARY KEY,
    version       INTEGER NOT NULL,
    header_size   INTEGER NOT NULL,
    sent          INTEGER,               -- the Date field
    sent_day      INTEGER,               -- days since 1970, as the Date field has it
    envelope      BLOB NOT NULL,
    body          BLOB NOT NULL,
    bodystructure BLOB NOT NULL
);

-- The queue: one row a letter, one a recipient. Who may move which state is in
-- mta/queue/states.py.
CREATE TABLE queue_message (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,   -- never used again: a lease names it
    name         TEXT NOT NULL,          -- the queue id that logs and the 250 reply bear
    content      INTEGER NOT NULL,
    reverse_path TEXT NOT NULL,          -- "" is the null reverse-path
    received     INTEGER NOT NULL,
    source       TEXT NOT NULL,          -- who brought it: "192.0.2.1 (mx.example)"
    account      INTEGER NOT NULL DEFAULT 0,          -- who submitted it; 0: nobody of ours
    body         TEXT NOT NULL DEFAULT '7BIT',        -- BODY= (RFC 6152)
    origin       TEXT NOT NULL DEFAULT ''             -- what made it: message, recipient, action
);
-- A report or a forwarded copy is made once.
CREATE UNIQUE INDEX queue_by_origin ON queue_message (origin) WHERE origin <> '';

CREATE TABLE queue_recipient (
    message      INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    forward_path TEXT NOT NULL,
    original     TEXT NOT NULL DEFAULT '',            -- the address of RCPT, if an alias led here
    domain       TEXT NOT NULL,                       -- key of the next hop
    state        TEXT NOT NULL CHECK (state IN ('held', 'ready', 'leased', 'deferred', 'delivered',
                                                'relayed', 'expanded', 'failed')),
    account      INTEGER NOT NULL DEFAULT 0,          -- whose it is; 0: not of this site
    lease        TEXT NOT NULL DEFAULT '',            -- token of the worker that has it
    due          INTEGER NOT NULL,                    -- when it may be tried, or the lease ends
    tries        INTEGER NOT NULL DEFAULT 0,
    warned       INTEGER NOT NULL DEFAULT 0,          -- 1: the sender knows that it is delayed
    reason       TEXT NOT NULL DEFAULT '',            -- what the last try met, for people
    status       TEXT NOT NULL DEFAULT '',            -- as an enhanced status code (RFC 3463)
    remote       TEXT NOT NULL DEFAULT '',            -- the MTA that said so
    reply        TEXT NOT NULL DEFAULT '',            -- its words
    tried        INTEGER NOT NULL DEFAULT 0,          -- when that was
    PRIMARY KEY (message, number)
) WITHOUT ROWID;
CREATE INDEX queue_by_next_hop ON queue_recipient (domain, state, due) WHERE account = 0;
CREATE INDEX queue_by_due ON queue_recipient (state, (account = 0), due)
    WHERE state IN ('ready', 'leased', 'deferred');
