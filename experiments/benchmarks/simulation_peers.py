"""The obvious per-placement form of Eq. 2, in NumPy and in PyTorch.

Each sensor's own trajectory is formed in the world and differenced there. Both are
vectorised over frames and placements; neither knows of motion terms.
"""

import numpy as np

GRAVITY = (0.0, 0.0, -9.80665)


def numpy_imu(position, rotation, segment, offset, frame, rate_hz):
    """(T, P, 6) from (T, S, 3), (T, S, 3, 3), (P,), (P, 3), (P, 3, 3); in float32."""
    carried = rotation[:, segment]
    place = position[:, segment] + (carried @ offset[..., None])[..., 0]
    turn = carried @ frame
    middle = (place[2:] - 2 * place[1:-1] + place[:-2]) * rate_hz**2
    acceleration = np.concatenate([middle[:1], middle, middle[-1:]])
    felt = acceleration - np.asarray(GRAVITY, position.dtype)
    force = (np.swapaxes(turn, -1, -2) @ felt[..., None])[..., 0]
    change = np.swapaxes(turn[:-2], -1, -2) @ turn[2:]
    spin = _numpy_log(change) * (rate_hz / 2)
    spin = np.concatenate([spin[:1], spin, spin[-1:]])
    return np.concatenate([force, spin], axis=-1)


def _numpy_log(turn):
    skew = np.stack(
        [
            turn[..., 2, 1] - turn[..., 1, 2],
            turn[..., 0, 2] - turn[..., 2, 0],
            turn[..., 1, 0] - turn[..., 0, 1],
        ],
        axis=-1,
    )
    sine = np.linalg.norm(skew, axis=-1, keepdims=True) / 2
    trace = np.trace(turn, axis1=-2, axis2=-1)[..., None]
    angle = np.arctan2(sine, (trace - 1) / 2)
    return skew / 2 * np.where(sine > 1e-6, angle / np.maximum(sine, 1e-6), 1)


def torch_imu(position, rotation, segment, offset, frame, rate_hz):
    """The same with PyTorch tensors; all but `segment` may have batch axes."""
    import torch

    carried = rotation[..., segment, :, :]
    shifted = (carried @ offset[..., None, :, :, None])[..., 0]
    place = position[..., segment, :] + shifted
    turn = carried @ frame[..., None, :, :, :]
    gravity = torch.tensor(GRAVITY, dtype=position.dtype, device=position.device)
    before, here, after = (
        place[..., :-2, :, :],
        place[..., 1:-1, :, :],
        place[..., 2:, :, :],
    )
    middle = (after - 2 * here + before) * rate_hz**2
    acceleration = torch.cat(
        [middle[..., :1, :, :], middle, middle[..., -1:, :, :]], -3
    )
    force = (turn.transpose(-1, -2) @ (acceleration - gravity)[..., None])[..., 0]
    change = turn[..., :-2, :, :, :].transpose(-1, -2) @ turn[..., 2:, :, :, :]
    spin = _torch_log(change) * (rate_hz / 2)
    spin = torch.cat([spin[..., :1, :, :], spin, spin[..., -1:, :, :]], -3)
    return torch.cat([force, spin], -1)


def _torch_log(turn):
    import torch

    skew = torch.stack(
        [
            turn[..., 2, 1] - turn[..., 1, 2],
            turn[..., 0, 2] - turn[..., 2, 0],
            turn[..., 1, 0] - turn[..., 0, 1],
        ],
        -1,
    )
    sine = skew.norm(dim=-1, keepdim=True) / 2
    trace = turn.diagonal(dim1=-2, dim2=-1).sum(-1, keepdim=True)
    angle = torch.atan2(sine, (trace - 1) / 2)
    one = torch.ones_like(sine)
    return skew / 2 * torch.where(sine > 1e-6, angle / sine.clamp(min=1e-6), one)
