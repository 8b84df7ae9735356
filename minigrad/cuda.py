"""There is no GPU here; scripts ask."""


def is_available():
    """False: minigrad computes on the CPU. torch.cuda.is_available."""
    return False
