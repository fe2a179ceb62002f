"""Records of jobs and studies, and what asks them."""
