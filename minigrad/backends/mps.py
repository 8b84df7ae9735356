"""torch.backends.mps."""


def is_available() -> bool:
    """False: minigrad computes on the CPU. torch.backends.mps.is_available."""
    return False
