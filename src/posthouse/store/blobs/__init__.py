"""Where content lies that is too large for a row of the database."""
