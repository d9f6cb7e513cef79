r"""Prepare motion: captured and procedural recordings to clips at 60 Hz.

    python -m experiments.prepare --out=DIR --config=configs/prepare.py:tiny
    python -m experiments.prepare --out=DIR --config=configs/prepare.py:small \
        --config.packs='MOCAP/*.npz' --config.splits=MOCAP/splits.json

:tiny    procedural library only, 4 clips of each activity; two minutes on two cores
:small   procedural library, 12 clips of each, beside whatever captures are named
:paper   captures only: MVNX folders of Nymeria's body motion, 60 Hz, no low-pass
"""

import ml_collections


def get_config(variant: str = "tiny") -> ml_collections.ConfigDict:
    """The recipe of a variant: tiny, small or paper."""
    config = ml_collections.ConfigDict()
    # Sources: comma-separated files, folders or patterns; "" is none.
    config.packs = ""
    config.bvh = ""
    config.mvnx = ""
    # Clips of each procedural activity, which activities ("" is all), first seed.
    config.procedural = {"tiny": 4, "small": 12, "paper": 0}[variant]
    config.activities = ""
    config.seed = 0
    # JSON {"validation": [trial names]}; of every so many procedural subjects, one is
    # held out.
    config.splits = ""
    config.held_out_subjects = 5 if variant == "tiny" else 10

    config.options = ml_collections.ConfigDict()
    # Half-amplitude frequency, Hz, of the low-pass of captured motion; 0 is none.
    config.options.cutoff_hz = 0.0 if variant == "paper" else 12.0
    # Mirrored copies; training mirrors anew at every step and needs none.
    config.options.mirror = False
    # "flag" or "reject" recordings whose frame rate cannot be.
    config.options.tempo = "flag"
    # Body: an npz mesh, or the project's template of this stature, mass (0: its own).
    config.options.surface = ""
    config.options.stature_m = 1.75
    config.options.mass_kg = 0.0
    config.options.sex = "male"
    return config
