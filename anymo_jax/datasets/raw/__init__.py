"""The datasets of the paper's benchmark from their raw downloads (Table 9).

Each is a page of facts with a reader; `DATASETS` lists them by name.
"""

from collections.abc import Mapping

from anymo_jax.datasets.raw import (
    dsads,
    ego4d,
    egoexo4d,
    egoexo4d_atomic,
    mmea,
    openpack,
    opportunity,
    pamap2,
    realworld,
    tnda_har,
    uci_har,
    usc_had,
    utd_mhad,
    w_har,
    wisdm,
)
from anymo_jax.datasets.recording import DatasetFacts

# In the paper's order; the subset for retrieval and captions is the last.
DATASETS: Mapping[str, DatasetFacts] = {
    facts.name: facts
    for facts in (
        opportunity.FACTS,
        uci_har.FACTS,
        w_har.FACTS,
        realworld.FACTS,
        tnda_har.FACTS,
        egoexo4d.FACTS,
        openpack.FACTS,
        pamap2.FACTS,
        usc_had.FACTS,
        wisdm.FACTS,
        dsads.FACTS,
        utd_mhad.FACTS,
        ego4d.FACTS,
        mmea.FACTS,
        egoexo4d_atomic.ATOMIC,
    )
}


def dataset(name: str) -> DatasetFacts:
    """A dataset by its name; case, hyphens and spaces do not matter.

    Raises:
      ValueError: for an unknown name, with those there are.
    """
    plain = name.strip().lower().replace("-", "_").replace(" ", "_")
    if plain not in DATASETS:
        raise ValueError(f"unknown dataset {name!r}; there are {', '.join(DATASETS)}")
    return DATASETS[plain]
