"""The world: connections, TLS, workers, files, log. Nothing else touches it."""
