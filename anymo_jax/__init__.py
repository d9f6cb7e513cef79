"""anymo_jax: setup-agnostic understanding of human motion from wearable IMUs."""

__version__ = "0.1.0"
