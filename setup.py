"""Stops an installation with one line where the version of Python is none of those supported; all else is in pyproject.toml."""

import runpy

import setuptools

runpy.run_path("workflow/lib/sgdphysics/python_versions.py")["stop_where_unsupported"]()
setuptools.setup()
