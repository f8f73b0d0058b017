"""IMAP against a model: random commands of several clients, and all that the server may say."""
