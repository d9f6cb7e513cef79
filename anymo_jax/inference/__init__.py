"""A trained run, for users: recordings in, answers out.

load        the folder of a run -> Model
model       classify, caption, embed, tokenize
recording   a user's arrays -> views: sites, units, rate, windows
views       views -> code streams and unit vectors;  texts: texts likewise
answers     scores of the options of a multiple choice
codes       the compiled programs;  batches: their few shapes
scores      vectors -> scores of labels
sizes       of all models
"""

from anymo_jax.inference.load import load
from anymo_jax.inference.model import Model

__all__ = ["Model", "load"]
