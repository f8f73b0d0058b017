"""The way in: our MX, and what it shares with submission."""
