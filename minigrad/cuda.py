"""There is no GPU support; this module answers scripts that ask."""


def is_available() -> bool:
    """False: minigrad computes on the CPU. torch.cuda.is_available."""
    return False


def device_count() -> int:
    """0: minigrad computes on the CPU. torch.cuda.device_count."""
    return 0


def manual_seed(seed: int) -> None:
    """Does nothing: minigrad.manual_seed seeds all there is. torch.cuda.manual_seed."""


def manual_seed_all(seed: int) -> None:
    """Does nothing, as manual_seed. torch.cuda.manual_seed_all."""


def empty_cache() -> None:
    """Does nothing. torch.cuda.empty_cache."""


def synchronize(device: object = None) -> None:
    """Does nothing: every call has finished when it returns. torch.cuda.synchronize."""
