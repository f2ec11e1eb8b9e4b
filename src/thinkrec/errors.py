"""The errors a user can cause. Each message says what is wrong, where, and what to do about it."""


class ThinkRecError(Exception):
    """Base of all errors that the command line prints as one message, without a traceback."""


class DataError(ThinkRecError, ValueError):
    """A table, row or column does not hold what it should."""


class DataWarning(UserWarning):
    """Something in a table was accepted, but its owner will want to know."""


class RecipeError(ThinkRecError, ValueError):
    """A recipe has an unknown key, a wrong value, or two keys that contradict each other."""


class CheckpointError(ThinkRecError, RuntimeError):
    """A saved file is missing, truncated or belongs to another recipe."""
