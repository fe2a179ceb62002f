"""The errors that a user's input can cause."""


class InputError(ValueError):
    """Something from outside (a file, a setting) is not as it must be; the message is one line that says what and where."""


class RecordError(InputError):
    """A file that should hold tensors or a table does not; the message names it in one line."""


def one_line(error: BaseException) -> str:
    """Return what an error says as one line; what kind it is if it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__


def printable(text: str) -> str:
    """Return a text without what moves a terminal's cursor, changes its colours, or turns letters round: by number."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
