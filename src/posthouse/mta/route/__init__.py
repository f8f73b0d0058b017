"""Where a letter goes from here: local, a route of the settings, or what the DNS says."""
