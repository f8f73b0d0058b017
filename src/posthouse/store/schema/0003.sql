-- How accounts log in. Which of an account's secrets there are is kept beside its password, so
-- that it costs one look into an index to know what may be offered.
ALTER TABLE account ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0;   -- 1: nobody logs in
ALTER TABLE account ADD COLUMN scram    INTEGER NOT NULL DEFAULT 0;   -- 1: it has keys for SCRAM
ALTER TABLE account ADD COLUMN legacy   INTEGER NOT NULL DEFAULT 0;   -- 1: a reversible secret, too
CREATE INDEX account_without_scram ON account (id) WHERE scram = 0;
CREATE INDEX account_with_legacy ON account (id) WHERE legacy = 1;

CREATE TABLE scram_keys (
    account    INTEGER NOT NULL,
    hash       TEXT NOT NULL,            -- "SHA-256"
    salt       BLOB NOT NULL,
    iterations INTEGER NOT NULL,
    stored_key BLOB NOT NULL,
    server_key BLOB NOT NULL,
    PRIMARY KEY (account, hash)
) WITHOUT ROWID;

-- Passwords that can be read again with the key in legacy.key, for CRAM-MD5 and APOP.
CREATE TABLE legacy_secret (
    account INTEGER PRIMARY KEY,
    secret  BLOB NOT NULL
);

CREATE TABLE app_password (
    account  INTEGER NOT NULL,
    prefix   TEXT NOT NULL,              -- its first characters, by which it is found
    name     TEXT NOT NULL,              -- what its owner calls it
    scopes   TEXT NOT NULL,              -- "imap smtp"
    password TEXT NOT NULL,              -- Argon2id, PHC string form
    created  INTEGER NOT NULL,
    used     INTEGER NOT NULL DEFAULT 0, -- about when it last let somebody in
    PRIMARY KEY (account, prefix)
) WITHOUT ROWID;
CREATE UNIQUE INDEX app_password_by_name ON app_password (account, name);

-- Accounts that are no more: neither their numbers nor their UIDVALIDITYs are given again.
CREATE TABLE removed_account (
    id                INTEGER PRIMARY KEY,
    address           TEXT NOT NULL,
    removed           INTEGER NOT NULL,
    next_uid_validity INTEGER NOT NULL
);
CREATE INDEX removed_account_by_address ON removed_account (address);

-- From this the salts come that are shown for users who do not exist.
INSERT INTO fact (name, value) VALUES ('decoy', lower(hex(randomblob(32))));
