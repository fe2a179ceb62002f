"""From settings to runs and plans."""
