"""Why a change of accounts, domains or aliases is refused."""


class Conflict(Exception):
    """It is there already, or something it needs is not; the text says what to do."""
