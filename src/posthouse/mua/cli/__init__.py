"""The commands of a mail user, and what all commands are built on."""
