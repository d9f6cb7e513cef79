"""PyTorch encoder and predictor, written from the layout of the official state dicts.

An independent reading of the description (no code of the official repository): keys
and shapes as `state_dict()` of the official modules has them. Input (N, 6, T, 23, 1).
"""

from itertools import pairwise

import numpy as np
import torch
from torch import nn

# Each segment hangs from the one before it, but for the first of a chain.
CHAINS = (
    ("Pelvis", "L5", "L3", "T12", "T8", "Neck", "Head"),
    ("T8", "R_Shoulder", "R_UpperArm", "R_Forearm", "R_Hand"),
    ("T8", "L_Shoulder", "L_UpperArm", "L_Forearm", "L_Hand"),
    ("Pelvis", "R_UpperLeg", "R_LowerLeg", "R_Foot", "R_Toe"),
    ("Pelvis", "L_UpperLeg", "L_LowerLeg", "L_Foot", "L_Toe"),
)
PARENTS = {child: parent for chain in CHAINS for parent, child in pairwise(chain)}
NAMES = ("Pelvis", *PARENTS)


def spatial_partitions():
    """A (3, 23, 23): self links, neighbours no nearer the pelvis, nearer ones."""
    hops = np.full((len(NAMES), len(NAMES)), np.inf)
    np.fill_diagonal(hops, 0)
    for child, parent in PARENTS.items():
        i, j = NAMES.index(child), NAMES.index(parent)
        hops[i, j] = hops[j, i] = 1
    for k in range(len(NAMES)):  # Floyd and Warshall
        hops = np.minimum(hops, hops[:, k : k + 1] + hops[k : k + 1])
    in_degree = (hops <= 1).sum(axis=0)
    A = np.zeros((3, *hops.shape), np.float32)
    for j, i in np.argwhere(hops <= 1):
        k = 0 if i == j else 1 if hops[j, 0] >= hops[i, 0] else 2
        A[k, j, i] = 1 / in_degree[i]
    return A


class GraphConv(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.conv = nn.Conv2d(c_in, 3 * c_out, 1)

    def forward(self, x, A):
        n, _, t, v = x.shape
        h = self.conv(x).view(n, 3, -1, t, v)
        return torch.einsum("nkctv,kvw->nctw", h, A)


class Block(nn.Module):
    def __init__(self, c_in, c_out, stride, residual):
        super().__init__()
        self.gcn = GraphConv(c_in, c_out)
        self.tcn = nn.Sequential(
            nn.BatchNorm2d(c_out),
            nn.ReLU(),
            nn.Conv2d(c_out, c_out, (9, 1), (stride, 1), (4, 0)),
            nn.BatchNorm2d(c_out),
        )
        self.kind = residual
        if residual == "conv":
            self.residual = nn.Sequential(
                nn.Conv2d(c_in, c_out, 1, (stride, 1)), nn.BatchNorm2d(c_out)
            )

    def forward(self, x, A):
        beside = {"none": lambda x: 0, "identity": lambda x: x}
        residual = beside.get(self.kind) or self.residual
        return torch.relu(self.tcn(self.gcn(x, A)) + residual(x))


class STGCNEncoder(nn.Module):
    def __init__(self, channels=(64,) * 4 + (128,) * 3 + (256,) * 3, c_in=6):
        super().__init__()
        self.register_buffer("A", torch.from_numpy(spatial_partitions()))
        self.data_bn = nn.BatchNorm1d(len(NAMES) * c_in)
        self.mask_token = nn.Parameter(torch.zeros(c_in))
        blocks = []
        for i, width in enumerate(channels):
            before = channels[i - 1] if i else c_in
            stride = 2 if i in (4, 7) else 1
            fits = before == width and stride == 1
            kind = "none" if i == 0 else "identity" if fits else "conv"
            blocks.append(Block(before, width, stride, kind))
        self.st_gcn_networks = nn.ModuleList(blocks)
        self.edge_importance = nn.ParameterList(
            nn.Parameter(torch.ones_like(self.A)) for _ in channels
        )

    def forward(self, x, visible):
        n, c, t, v, _ = x.shape
        x = x[..., 0].permute(0, 3, 1, 2).reshape(n, v * c, t)
        x = self.data_bn(x).view(n, v, c, t)
        x = torch.where(visible[:, :, None, None], x, self.mask_token[:, None])
        x = x.permute(0, 2, 3, 1)
        for block, importance in zip(
            self.st_gcn_networks, self.edge_importance, strict=True
        ):
            x = block(x, self.A * importance)
        return x.mean(dim=3).transpose(1, 2)


class PredictorBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Dropout(0.0),
            nn.Linear(4 * width, width),
        )

    def forward(self, x):
        h = self.norm1(x)
        x = x + self.attn(h, h, h, need_weights=False)[0]
        return x + self.mlp(self.norm2(x))


class TemporalPredictor(nn.Module):
    def __init__(self, width=256, layers=6, heads=8, length=75):
        super().__init__()
        self.pos_embed = nn.Parameter(torch.zeros(1, length, width))
        self.blocks = nn.ModuleList(PredictorBlock(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, width)

    def forward(self, z):
        z = z + self.pos_embed[:, : z.shape[1]]
        for block in self.blocks:
            z = block(z)
        return self.head(self.norm(z))


def randomise(module, seed):
    """Random weights everywhere, running statistics and mask token included."""
    generator = torch.Generator().manual_seed(seed)
    for key, value in module.state_dict().items():
        if key == "A" or not value.is_floating_point():
            continue
        noise = torch.randn(value.shape, generator=generator)
        if key.endswith("running_var"):
            value.copy_(0.5 + noise**2)
        elif value.ndim == 1 and key.endswith("weight"):
            value.copy_(1 + 0.2 * noise)
        elif key.startswith("edge_importance"):
            value.copy_(1 + 0.3 * noise)
        elif value.ndim > 1 and key.endswith("weight"):
            value.copy_(noise / value[0].numel() ** 0.5)
        else:
            value.copy_(0.2 * noise)
    return module
