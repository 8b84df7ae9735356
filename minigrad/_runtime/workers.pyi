def allow(count: int) -> None:
    """Let at most so many threads work on one thing; `threads.py` has checked the number."""

def allowed_threads() -> int: ...
