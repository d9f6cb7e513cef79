"""A trained run, for users: recordings in, answers out.

load        the folder of a run -> Model
answering   classify and embed;  model: caption and tokenize, too
control     the model of a control run
recording   a user's arrays -> views: sites, units, rate, windows
views       views -> code streams and unit vectors;  texts: texts likewise
answers     scores of the options of a multiple choice
codes       the compiled programs;  batches: their few shapes
scores      vectors -> scores of labels
sizes       of all models
"""

from anymo_jax.inference.control import ControlModel
from anymo_jax.inference.load import load
from anymo_jax.inference.model import Model

__all__ = ["ControlModel", "Model", "load"]
