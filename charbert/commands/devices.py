"""Devices that models run on, as `--device` names them."""

import torch

from charbert.errors import CharBertError, first_line


def find_device(name: str | None = None) -> torch.device:
    """Where models predict.

    Args:
        name: of the device, as `--device` gives it; None: a GPU if there is one.

    Raises:
        CharBertError: there is no such device here.
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise CharBertError(
            f"--device: {name!r} is not there ({first_line(error)}); leave it out, or give cpu"
        ) from error
    return device
