"""Batch normalization by hand, every intermediate gradient kept, as lectures do it."""
import numpy as np
import torch
import torch.nn.functional as F

rng = np.random.default_rng(3)
n, vocab, width, hidden, context = 32, 27, 6, 20, 3


def normal(*shape):
    return torch.from_numpy(rng.normal(size=shape).astype(np.float32))


Xb = torch.from_numpy(rng.integers(0, vocab, size=(n, context)))
Yb = torch.from_numpy(rng.integers(0, vocab, size=n))
C = normal(vocab, width)
W1 = normal(width * context, hidden) * (5 / 3) / ((width * context) ** 0.5)
W2 = normal(hidden, vocab) * 0.1
b2 = normal(vocab) * 0.1
bngain = normal(1, hidden) * 0.1 + 1.0
bnbias = normal(1, hidden) * 0.1
bnmean_running = torch.zeros((1, hidden))
bnstd_running = torch.ones((1, hidden))
parameters = [C, W1, W2, b2, bngain, bnbias]
for p in parameters:
    p.requires_grad = True

emb = C[Xb]
embcat = emb.view(emb.shape[0], -1)
hprebn = embcat @ W1
bnmeani = 1 / n * hprebn.sum(0, keepdim=True)
bndiff = hprebn - bnmeani
bndiff2 = bndiff**2
bnvar = 1 / (n - 1) * bndiff2.sum(0, keepdim=True)
bnvar_inv = (bnvar + 1e-5) ** -0.5
bnraw = bndiff * bnvar_inv
hpreact = bngain * bnraw + bnbias
h = torch.tanh(hpreact)
logits = h @ W2 + b2
logit_maxes = logits.max(1, keepdim=True).values
norm_logits = logits - logit_maxes
counts = norm_logits.exp()
counts_sum = counts.sum(1, keepdims=True)
counts_sum_inv = counts_sum**-1
probs = counts * counts_sum_inv
logprobs = probs.log()
loss = -logprobs[range(n), Yb].mean()
for p in parameters:
    p.grad = None
kept = [logprobs, probs, counts, counts_sum, norm_logits, logits, h, bnraw, bnvar_inv, bndiff, emb]
for t in kept:
    t.retain_grad()
loss.backward()
print(loss.item(), F.cross_entropy(logits, Yb).item())

dlogprobs = torch.zeros_like(logprobs)
dlogprobs[range(n), Yb] = -1.0 / n
print("logprobs", torch.all(dlogprobs == logprobs.grad).item())
dlogits = F.softmax(logits, 1)
dlogits[range(n), Yb] -= 1
dlogits /= n
print("logits", torch.allclose(dlogits, logits.grad, atol=1e-6))
for t in [counts, counts_sum, h, bnraw, bnvar_inv, bndiff]:
    print(tuple(t.shape), f"{t.grad.abs().sum().item():.5f}")
dC = torch.zeros_like(C)
for k in range(Xb.shape[0]):
    for j in range(Xb.shape[1]):
        dC[Xb[k, j]] += emb.grad[k, j]
print("C", (dC - C.grad).abs().max().item() < 1e-6)
with torch.no_grad():
    bnmean_running = 0.999 * bnmean_running + 0.001 * bnmeani
    bnstd_running = 0.999 * bnstd_running + 0.001 * hprebn.std(0, keepdim=True)
    for p in parameters:
        p.data += -0.1 * p.grad
print(bnstd_running[0, :5], C[0])
