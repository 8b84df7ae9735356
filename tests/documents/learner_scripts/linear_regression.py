"""Linear regression with raw tensors and updates by hand."""
import numpy as np
import torch

rng = np.random.default_rng(0)
X = torch.from_numpy(rng.normal(size=(64, 3)).astype(np.float32))
true_w = torch.tensor([[1.5], [-2.0], [0.5]])
y = X @ true_w + 0.3 + 0.01 * torch.from_numpy(rng.normal(size=(64, 1)).astype(np.float32))

w = torch.zeros(3, 1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
for epoch in range(100):
    prediction = torch.matmul(X, w) + b
    loss = ((prediction - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
        b -= 0.1 * b.grad
        w.grad.zero_()
        b.grad = None
    if epoch % 20 == 0:
        print(f"epoch {epoch}: loss {loss.item():.6f}")
print(w, b)
print(w.shape, w.grad, b.grad, w.requires_grad, prediction.requires_grad)
