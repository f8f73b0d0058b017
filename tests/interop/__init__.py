"""Other people's mail programs on the running server (`make interop`)."""
