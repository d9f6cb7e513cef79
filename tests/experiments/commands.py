"""A command as a shell starts it, several of them in one process."""

from types import ModuleType

from absl import flags


def run_command(command: ModuleType, *arguments: str) -> None:
    """Calls a command's main with its flags set, which are gone again afterwards.

    Args:
      command: module of experiments.
      arguments: as on its command line.

    Raises:
      SystemExit: as the command ends where something is wrong.
      absl.flags.Error: for flags that do not fit.
    """
    before = set(flags.FLAGS)
    command._define_flags()
    try:
        command.main(flags.FLAGS([command.__name__, *arguments]))
    finally:
        for name in set(flags.FLAGS) - before:
            delattr(flags.FLAGS, name)
