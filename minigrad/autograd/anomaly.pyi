from typing import Self

FRAMES: int
PACKAGE: str

class detect_anomaly:
    check_nan: bool
    def __init__(self, check_nan: bool = True) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...
