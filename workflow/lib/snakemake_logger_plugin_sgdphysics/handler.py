"""The plugin itself: Snakemake hands it every message, in a thread of its own."""

import logging
import sys

from snakemake.logging import ColorizingTextHandler, DefaultFormatter
from snakemake_interface_logger_plugins.base import LogHandlerBase

from snakemake_logger_plugin_sgdphysics.console import Console
from snakemake_logger_plugin_sgdphysics.displays import Bars, Lines, can_show_bars


class LogHandler(LogHandlerBase):
    """Says what matters of a run; dry runs, and runs with ``--verbose``, look as without this plugin."""

    def __post_init__(self) -> None:
        """Prepare for this command."""
        settings = self.common_settings
        stream = sys.stdout if settings.stdout else sys.stderr
        formatter = DefaultFormatter(settings.quiet, settings.show_failed_logs)
        self._whole = ColorizingTextHandler(nocolor=settings.nocolor, stream=stream, formatter=formatter)
        self._console = None
        if not (settings.dryrun or settings.verbose or settings.debug_dag):
            display = Bars(stream) if can_show_bars(stream) else Lines(stream)
            self._console = Console(display, self._text)

    def emit(self, record: logging.LogRecord) -> None:
        """Say a message of Snakemake, or what matters of it."""
        try:
            if self._console is None:
                self._whole.emit(record)
            else:
                self._console.receive(record)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Say what comes last; Snakemake calls this when all else is said, and may do so twice."""
        if self._console is not None:
            self._console.end()
        super().close()

    def _text(self, record: logging.LogRecord) -> str:
        """A message as Snakemake says it."""
        text = self._whole.format(record)
        return self._whole.decorate(record, text) if record.levelno >= logging.WARNING else text

    @property
    def writes_to_stream(self) -> bool:
        """Snakemake then says nothing itself."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """The log in ``.snakemake/log`` stays Snakemake's own, with every input and reason."""
        return False

    @property
    def has_filter(self) -> bool:
        """So that Snakemake's filter knows ``--quiet`` and ``--printshellcmds``."""
        return False

    @property
    def has_formatter(self) -> bool:
        """It formats by itself."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """It does not."""
        return False
