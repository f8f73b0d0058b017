"""A long run of the whole system under load, while everything around it fails in turn."""
