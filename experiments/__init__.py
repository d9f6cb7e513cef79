"""Command lines. Each is a thin main; what it does can be imported elsewhere."""

import logging

# JAX tells at INFO which backends it looked for in vain; absl's main would print it.
logging.getLogger("jax._src.xla_bridge").setLevel(logging.WARNING)
