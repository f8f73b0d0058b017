"""Messages in mailboxes: filed, copied, flagged, expunged; each a unit of work.

The counters of the mailbox are kept in the same transaction, and every change is in the feed.
"""
