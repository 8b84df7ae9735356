"""torch.accelerator: scripts ask it whether there is a device beside the CPU."""


def is_available() -> bool:
    """False: minigrad computes on the CPU. torch.accelerator.is_available."""
    return False
