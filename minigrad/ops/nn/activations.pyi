from ...tensor import Tensor

def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """y = max(input, 0), elementwise; the gradient at 0 is 0. NaN stays NaN.

    Any shape; integers too. inplace: write the result over `input`. torch.nn.functional.relu.
    In the book: python -m minigrad book relu
    """

def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """y = input where input > 0, else negative_slope · input, elementwise.

    float32 or float64, any shape. inplace: write the result over `input`.
    torch.nn.functional.leaky_relu.
    In the book: python -m minigrad book leaky_relu
    """

def sigmoid(input: Tensor) -> Tensor:
    """y = 1 / (1 + e^(−input)), elementwise, without overflow.

    Any shape; integers give the default float dtype. torch.sigmoid.
    In the book: python -m minigrad book sigmoid
    """

def tanh(input: Tensor) -> Tensor:
    """y = tanh(input), elementwise; integers give the default float dtype. torch.tanh.

    In the book: python -m minigrad book tanh
    """

def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """y = input · Φ(input), elementwise, with Φ the normal distribution function.

    approximate: "none", or "tanh" for Φ ≈ (1 + tanh(√(2/π) (input + 0.044715 input³))) / 2.
    float32 or float64, any shape. torch.nn.functional.gelu.
    In the book: python -m minigrad book gelu
    """
