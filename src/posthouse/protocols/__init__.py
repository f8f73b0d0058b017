"""The arrows between the boxes of RFC 5598: dialogues without I/O, clock or chance."""
