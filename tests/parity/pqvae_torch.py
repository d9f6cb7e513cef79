"""A PyTorch product-quantised VAE with the official names, as the other side of parity.

Written from the layout of the official state dict. It knows nothing of lengths: a
window is given whole.
"""

import torch
from torch import nn
from torch.nn import functional


class Block(nn.Module):
    """x + conv(gelu(norm(conv(gelu(norm(x)))))) with both convolutions dilated."""

    def __init__(self, width, kernel, dilation):
        super().__init__()
        padding = dilation * (kernel // 2)
        self.norm1 = nn.GroupNorm(1, width)
        self.conv1 = nn.Conv1d(width, width, kernel, padding=padding, dilation=dilation)
        self.norm2 = nn.GroupNorm(1, width)
        self.conv2 = nn.Conv1d(width, width, kernel, padding=padding, dilation=dilation)

    def forward(self, x):
        h = self.conv1(functional.gelu(self.norm1(x)))
        return x + self.conv2(functional.gelu(self.norm2(h)))


class Decoder(nn.Module):
    """(B, L, bottleneck) -> (B, L, latent)."""

    def __init__(self, config):
        super().__init__()
        width = config.decoder_width
        self.in_norm = nn.LayerNorm(config.bottleneck)
        self.in_proj = nn.Conv1d(config.bottleneck, width, 1)
        self.blocks = nn.ModuleList(
            Block(width, config.kernel, d) for d in config.dilations
        )
        self.out_norm = nn.GroupNorm(1, width)
        self.out_proj = nn.Conv1d(width, config.latent, 1)

    def forward(self, x):
        x = self.in_proj(self.in_norm(x).transpose(1, 2))
        for block in self.blocks:
            x = block(x)
        return self.out_proj(functional.gelu(self.out_norm(x))).transpose(1, 2)


class Quantizer(nn.Module):
    """Buffers of the codebooks and the nearest code by full pairwise distances."""

    def __init__(self, config):
        super().__init__()
        shape = (config.codebooks, config.entries, config.code_width)
        self.register_buffer("embedding", torch.randn(shape))
        self.register_buffer("cluster_size", torch.rand(shape[:2]))
        self.register_buffer("embed_avg", torch.randn(shape))

    def forward(self, x):
        """(B, L, bottleneck) -> code vectors like x and codes (B, L, G)."""
        parts, codes = [], []
        for chunk, embedding in zip(
            x.chunk(len(self.embedding), dim=-1), self.embedding, strict=True
        ):
            code = torch.cdist(chunk.double(), embedding.double()[None]).argmin(dim=-1)
            parts.append(embedding[code])
            codes.append(code)
        return torch.cat(parts, dim=-1), torch.stack(codes, dim=-1)


class MotionPQVAE(nn.Module):
    """The whole, with the names of the official state dict."""

    def __init__(self, config):
        super().__init__()
        self.commitment = config.commitment
        self.pre_quant = nn.Sequential(
            nn.LayerNorm(config.latent), nn.Linear(config.latent, config.bottleneck)
        )
        self.quantizer = Quantizer(config)
        self.decoder = Decoder(config)

    def forward(self, latent):
        """Reconstruction, codes and the loss of Eq. 4."""
        projected = self.pre_quant(latent)
        vectors, codes = self.quantizer(projected)
        reconstruction = self.decoder(projected + (vectors - projected).detach())
        groups = len(self.quantizer.embedding)
        commitment = groups * functional.mse_loss(projected, vectors)
        smooth = functional.smooth_l1_loss(reconstruction, latent)
        return reconstruction, codes, smooth + self.commitment * commitment


def random_pqvae(config, seed=0):
    """Random everywhere, so that no scale of one and no bias of zero hides a fault."""
    torch.manual_seed(seed)
    model = MotionPQVAE(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name or name.startswith("pre_quant.0"):
                parameter.add_(0.3 * torch.randn_like(parameter))
            if name.endswith("bias"):
                parameter.copy_(0.3 * torch.randn_like(parameter))
    return model
