"""The error that a user's input can cause."""


class InputError(ValueError):
    """Something from outside (a file, a setting) is not as it must be; the message is one line that says what and where."""
