"""How jobs tell of their progress, in lines and bars on the error stream, which are the log of a job.

Plumbing: what is said here moves no number, so a job is not done again because it would say it otherwise.
"""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

from tqdm import tqdm

_BAR_SECONDS = 5  # between two states of a bar: a log shows them one after another


def tell(subject: object, **facts: object) -> None:
    """Say in one line how far the work on a subject has come, such as ``subject: status converged, epochs 7``.

    Args:
        subject: What the work is on, such as the name of a run.
        facts: What there is to say of it, by name; of numbers with a fraction six digits.
    """
    text = ", ".join(f"{name.replace('_', ' ')} {_text(value)}" for name, value in facts.items())
    print(f"{subject}: {text}" if text else subject, file=sys.stderr)


@contextmanager
def epoch_bar(*, shown: bool) -> Generator[Callable[..., None]]:
    """Show a bar of training epochs while the block runs.

    Args:
        shown: Whether there is to be one.

    Yields:
        A function to call at the end of each epoch, with what is to stand beside the bar, by name.
    """
    with tqdm(disable=not shown, unit="epoch", mininterval=_BAR_SECONDS) as bar:

        def end_epoch(**facts: object) -> None:
            bar.update()
            bar.set_postfix(**facts)

        yield end_epoch


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
