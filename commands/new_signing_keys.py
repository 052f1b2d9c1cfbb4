"""`wingding new-signing-keys`"""

from __future__ import annotations

import os
from argparse import Namespace

from auth.tokens import new_keys
from errors import StartError
from settings import Settings


def main(_settings: Settings, arguments: Namespace) -> int:
    """Print a key set, or write it to a new file that its owner alone can read."""
    if arguments.file is None:
        print(new_keys())
        return 0
    try:
        opened = os.open(arguments.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise StartError(f"{arguments.file} is there already, and keys are not overwritten") from None
    except OSError as error:
        raise StartError(f"{arguments.file} cannot be written: {error.strerror}") from error
    with os.fdopen(opened, "w") as file:
        file.write(f"{new_keys()}\n")
    return 0
