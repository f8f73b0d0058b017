-- When a message was put into its mailbox (RFC 8514); unknown of those that are older.
ALTER TABLE message ADD COLUMN saved INTEGER;

-- The beginning of a message's text (RFC 8970), as octets ready to send.
ALTER TABLE summary ADD COLUMN preview BLOB NOT NULL DEFAULT x'';

-- Annotations (RFC 5464); those of the account as a whole have the mailbox 0.
CREATE TABLE annotation (
    account INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,
    entry   TEXT NOT NULL,               -- in small letters: "/private/comment"
    value   BLOB NOT NULL,
    PRIMARY KEY (account, mailbox, entry)
) WITHOUT ROWID;
