-- The domain of an account's address: postmaster is the first account of a domain. What stands
-- after the last "@"; a local part in quotes may have others.
ALTER TABLE account ADD COLUMN domain TEXT NOT NULL DEFAULT '';
UPDATE account
SET domain = substr(address, length(rtrim(address, replace(address, '@', ''))) + 1);
CREATE INDEX account_by_domain ON account (domain, id);
