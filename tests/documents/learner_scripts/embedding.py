"""A small language model: indexing as embedding, one-hot inputs, negative log-likelihood."""
import numpy as np
import torch
import torch.nn.functional as F

rng = np.random.default_rng(6)
xs = torch.tensor(rng.integers(0, 27, size=40).tolist())
ys = torch.tensor(rng.integers(0, 27, size=40).tolist())
num = xs.nelement()
W = torch.from_numpy(rng.normal(size=(27, 27)).astype(np.float32))
W.requires_grad = True
for k in range(10):
    xenc = F.one_hot(xs, num_classes=27).float()
    logits = xenc @ W
    counts = logits.exp()
    probs = counts / counts.sum(1, keepdims=True)
    loss = -probs[torch.arange(num), ys].log().mean() + 0.01 * (W**2).mean()
    W.grad = None
    loss.backward()
    W.data += -10 * W.grad
    if k % 3 == 0:
        print(k, f"{loss.item():.5f}")
print(W[0, :5], W.grad.shape, xenc.dtype, xs.dtype, probs.dtype)
P = (torch.from_numpy(rng.integers(0, 9, size=(4, 4))) + 1).float()
P /= P.sum(1, keepdim=True)
print(P, P[0].sum(), P.argmax(dim=1), P.sum(dim=0, keepdim=True).shape)
best, where = P.max(dim=1)
print(best, where, torch.cat([P[:1], P[2:3]], dim=0), torch.stack([best, best]).shape)
lr = 10 ** torch.linspace(-3, 0, 4)
print(lr, torch.where(P > 0.25, P, torch.zeros_like(P)), P[P > 0.4])
print(P.view(2, 8).T.shape, P.unsqueeze(0).squeeze().shape, P.t()[1], P[-1, ::2], P[:, [0, 3]])
print(P.std(), P.var(dim=0), P.norm(), torch.clamp(P, 0.1, 0.3), (P > 0.2).sum().item())
