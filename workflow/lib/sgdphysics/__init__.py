"""Statistical physics of learning in feed-forward networks: measurements on trained networks.

Import the modules one by one (``from sgdphysics import curvature``): this file imports none of them,
so that a workflow rule depends only on the modules that it uses.
"""
