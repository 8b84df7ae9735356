"""The public door to differentiation; the machinery is in `engine.pyx` and `tensor.pyx`."""

from . import hooks  # noqa: F401  it gives tensors register_hook and retain_grad
from .anomaly import detect_anomaly
from .custom import Function
from .engine import enable_grad, grad, is_grad_enabled, no_grad, set_grad_enabled
from .gradcheck import gradcheck, gradgradcheck

__all__ = [
    "Function",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "is_grad_enabled",
    "no_grad",
    "set_grad_enabled",
]
