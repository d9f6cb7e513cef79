"""Motion and language in one model (paper, section 3.3, A.4)."""
