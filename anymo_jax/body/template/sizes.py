"""Breadths, depths and girths of a body of given stature and sex.

Means of ANSUR II, the US Army's survey of 2012 (Gordon et al., NATICK/TR-15/007,
summary tables), of 4,082 men and 1,986 women. All are scaled with stature.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Measures of a body, named as in ANSUR II; mm in the tables, m from `sizes`."""

    stature: float
    chest_breadth: float
    chest_depth: float
    waist_breadth: float
    waist_depth: float
    hip_breadth: float
    buttock_depth: float
    crotch_height: float
    neck_girth: float
    head_breadth: float
    head_length: float
    biceps_girth: float
    forearm_girth: float
    wrist_girth: float
    hand_breadth: float
    thigh_girth: float
    lower_thigh_girth: float
    calf_girth: float
    ankle_girth: float
    foot_breadth: float


_MEANS = {
    "male": Sizes(
        stature=1756.2,
        chest_breadth=289.4,
        chest_depth=253.8,
        waist_breadth=326.4,
        waist_depth=237.8,
        hip_breadth=345.7,
        buttock_depth=245.8,
        crotch_height=845.9,
        neck_girth=397.6,
        head_breadth=154.3,
        head_length=199.5,
        biceps_girth=358.1,
        forearm_girth=310.1,
        wrist_girth=175.9,
        hand_breadth=88.3,
        thigh_girth=625.1,
        lower_thigh_girth=409.3,
        calf_girth=392.3,
        ankle_girth=229.3,
        foot_breadth=101.9,
    ),
    "female": Sizes(
        stature=1628.5,
        chest_breadth=269.3,
        chest_depth=247.4,
        waist_breadth=299.9,
        waist_depth=213.0,
        hip_breadth=353.8,
        buttock_depth=232.9,
        crotch_height=782.3,
        neck_girth=329.8,
        head_breadth=147.8,
        head_length=189.8,
        biceps_girth=305.6,
        forearm_girth=264.1,
        wrist_girth=154.8,
        hand_breadth=78.2,
        thigh_girth=616.1,
        lower_thigh_girth=400.7,
        calf_girth=373.3,
        ankle_girth=215.7,
        foot_breadth=92.7,
    ),
}


def sizes(stature_m: float, sex: str) -> Sizes:
    """Mean measures in m of a "male" or "female" body, scaled to a stature in m."""
    mean = _MEANS[sex]
    scale = stature_m / mean.stature
    return Sizes(**{k: v * scale for k, v in dataclasses.asdict(mean).items()})
