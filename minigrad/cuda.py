"""There is no GPU support; this module answers scripts that ask."""


def is_available():
    """False: minigrad computes on the CPU. torch.cuda.is_available."""
    return False
