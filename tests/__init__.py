"""The checker of annotations while tests run: an int passes for a float.

JAX rebuilds pytrees with placeholders in place of their arrays while it compiles;
constructors are not checked then.
"""

import functools

from beartype import BeartypeConf, beartype
from jax.stages import ArgInfo

_check = beartype(conf=BeartypeConf(is_pep484_tower=True))


def check(function):
    """A function that checks its arguments and result."""
    checked = _check(function)

    @functools.wraps(function)
    def call(*args, **kwargs):
        held = (*args, *kwargs.values())
        placeholder = any(isinstance(x, ArgInfo) for x in held)
        return (function if placeholder else checked)(*args, **kwargs)

    return call
