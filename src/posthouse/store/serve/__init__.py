"""The message store's doors: agents that answer IMAP and POP3 engines from the mailboxes."""
