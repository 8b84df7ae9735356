def set_limit(megabytes: int) -> int:
    """Cache at most so many MiB from now on (0: none); returns what the limit was.

    Offered blocks do not count; they are freed here and now.
    """

def cached_bytes() -> int:
    """How many bytes are cached."""

def reclaimable_bytes() -> int:
    """How many bytes wait in blocks whose pages the system may take back."""
