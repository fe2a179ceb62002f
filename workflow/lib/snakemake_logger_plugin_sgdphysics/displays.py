"""Where a run is told of: lines, or in a terminal bars below them."""

import os
import threading
from typing import TYPE_CHECKING, TextIO

from snakemake_logger_plugin_sgdphysics.progress import Progress, duration

if TYPE_CHECKING:  # it reads variables of the user when it is imported: by then the workflow has taken them out
    from tqdm import tqdm

_FORMAT = "{desc:16}|{bar}| {percentage:3.0f} %{postfix}"
_SECONDS = 1.0  # between two states of the bars


def can_show_bars(stream: TextIO) -> bool:
    """Return whether a stream is a terminal in which lines can be written again, and there is room for the bars."""
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb" and os.get_terminal_size(stream.fileno()).lines > 3


class Lines:
    """One line for every job that has finished, for logs and pipes.

    Args:
        stream: Where to.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def begin(self, progress: Progress) -> None:
        """Nothing is shown before a job has finished."""

    def say(self, text: str) -> None:
        """Write a text."""
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def finished(self, line: str) -> None:
        """Write the line of a job."""
        self.say(line)

    def end(self) -> None:
        """Nothing is to be removed."""


class Bars:
    """Two bars, of the whole run and of the stage under way, with the time left; texts stay above them.

    Args:
        stream: A terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bars: list[tqdm] = []
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, progress: Progress) -> None:
        """Draw the bars, and again every second."""
        from tqdm import tqdm

        self._bars = [
            # The delay keeps it from drawing itself before it has a name.
            tqdm(total=1.0, position=place, file=self._stream, bar_format=_FORMAT, leave=False, dynamic_ncols=True, delay=1e-9)
            for place in range(2)
        ]
        self._thread = threading.Thread(target=self._keep_drawing, args=[progress], daemon=True)
        self._thread.start()

    def say(self, text: str) -> None:
        """Write a text above the bars."""
        if self._bars:
            self._bars[0].write(text, file=self._stream)
        else:
            self._stream.write(f"{text}\n")
            self._stream.flush()

    def finished(self, line: str) -> None:
        """A job that has finished is seen in the bars."""

    def end(self) -> None:
        """Remove the bars."""
        self._end.set()
        if self._thread is not None:
            self._thread.join()
        for bar in reversed(self._bars):
            bar.close()
        self._bars = []

    def _keep_drawing(self, progress: Progress) -> None:
        while True:
            for bar, stage in zip(self._bars, (None, progress.stage), strict=True):
                _set(bar, progress, stage)
                bar.refresh()
            if self._end.wait(_SECONDS):
                return


def _set(bar: "tqdm", progress: Progress, stage: str | None) -> None:
    """Have a bar show how far a stage, or the whole run, is."""
    finished, jobs = progress.counts(stage)
    bar.n = progress.share(stage)
    bar.set_description_str(stage or "all", refresh=False)
    left = f"about {duration(progress.seconds_left(stage))} left"
    bar.set_postfix_str(f"{finished} of {jobs} jobs, {left}", refresh=False)
