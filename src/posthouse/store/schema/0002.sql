-- The largest UIDVALIDITY of mailboxes whose name became free, by DELETE or RENAME. A mailbox that
-- takes a name must have a larger one, as one of that name may have been seen (RFC 3501 2.3.1.1).
ALTER TABLE account ADD COLUMN vacated_validity INTEGER NOT NULL DEFAULT 0;
