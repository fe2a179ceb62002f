"""Figures in one style, pages and notebooks."""
