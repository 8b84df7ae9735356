from ...tensor import Tensor, _Operand

def matmul(input: Tensor, other: _Operand) -> Tensor:
    """Y = A B; vectors count as one row (left) or one column (right), leading dimensions broadcast.

    Shapes (…, N, K) and (…, K, M) → (…, N, M); both of one dtype. Errors: ShapeError, DTypeError.
    torch.matmul.
    In the book: python -m minigrad book linear
    """

def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """Y = A B for two matrices, (N, K) and (K, M) → (N, M). torch.mm."""

def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Y = A B for each pair of matrices: (B, N, K) and (B, K, M) → (B, N, M). torch.bmm."""

def mv(input: Tensor, vec: Tensor) -> Tensor:
    """y = A x for a matrix and a vector: (N, K) and (K,) → (N,). torch.mv."""

def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """y = Σ a · b of two vectors of one length → (). torch.dot."""

def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """Y[i, j] = a[i] · b[j]: vectors (N,) and (M,) → (N, M). torch.outer."""

def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Y = X Wᵀ + b: input (…, in), weight (out, in), bias (out,), () or None → (…, out).

    A weight (in,) without bias → (…). All of one float dtype. Errors: ShapeError, DTypeError.
    torch.nn.functional.linear.
    In the book: python -m minigrad book linear
    """
