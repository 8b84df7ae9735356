"""torch.backends.cudnn: its switches change nothing here, where results are the same each time."""

benchmark = False
deterministic = True
enabled = False


def is_available() -> bool:
    """False: minigrad computes on the CPU. torch.backends.cudnn.is_available."""
    return False
