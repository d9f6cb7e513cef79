"""The codebooks' moving averages in float64 NumPy, one code at a time."""

import numpy as np


def averages(codebook, chunks, codes, valid, config):
    """Codebook after the averages and before the refresh, and which codes are dead."""
    size = codebook["cluster_size"].copy()
    total = codebook["embed_avg"].copy()
    embedding = np.empty_like(total)
    dead = np.empty(size.shape, bool)
    for g in range(config.codebooks):
        for k in range(config.entries):
            chosen = chunks[valid & (codes[:, g] == k), g]
            size[g, k] = config.decay * size[g, k] + (1 - config.decay) * len(chosen)
            total[g, k] *= config.decay
            total[g, k] += (1 - config.decay) * chosen.sum(axis=0)
        everything = size[g].sum()
        smoothed = (size[g] + config.laplace) / (
            everything + config.entries * config.laplace
        )
        embedding[g] = total[g] / (smoothed * everything)[:, None]
        dead[g] = size[g] < config.dead_below * size[g].mean()
    after = {"embedding": embedding, "cluster_size": size, "embed_avg": total}
    return after, dead
