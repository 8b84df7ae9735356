# %% [markdown]
"""The smallest network that learns: two hidden units and XOR, which no single line can separate.

    python examples/xor.py

Nine numbers are adjusted until each hidden unit draws one line, and the output combines the two.
"""

# %%
from collections.abc import Callable

from _common import command_line

import minigrad
from minigrad import Tensor, nn, optim
from minigrad.nn import functional as F

x = minigrad.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = minigrad.tensor([[0.0], [1.0], [1.0], [0.0]])


# %%
def train(
    units: int,
    seed: int,
    report: Callable[[int, Tensor, Tensor], None] = lambda step, loss, p: None,
) -> tuple[nn.Sequential, float]:
    """A network with `units` hidden units after 1,000 steps from the start `seed`, and its loss."""
    minigrad.manual_seed(seed)
    model = nn.Sequential(nn.Linear(2, units), nn.Tanh(), nn.Linear(units, 1), nn.Sigmoid())
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    loss = minigrad.tensor(0.0)
    for step in range(1001):
        logits = model[2](model[1](model[0](x)))
        loss = F.binary_cross_entropy_with_logits(logits, y)
        report(step, loss, logits.sigmoid())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model, loss.item()


def report(step: int, loss: Tensor, p: Tensor) -> None:
    if step % 200 == 0:
        answers = "  ".join(f"{answer:.3f}" for answer in p.flatten().tolist())
        print(f"{step:6d}  {loss.item():.4f}   {answers}")


# %% [markdown]
# What it finds, how well that answers, and from how many starts networks of one to four hidden
# units get there.


# %%
def main(starts: int = 10) -> float:
    print("  step    loss   p for 00, 01, 10, 11")
    model, loss = train(2, seed=0, report=report)

    print("\nwhat it found:  h = tanh(a·x₁ + b·x₂ + c)  and  p = σ(a·h₁ + b·h₂ + c)")
    print("          a       b       c")
    for names, layer in ((["h₁", "h₂"], model[0]), (["p "], model[2])):
        for name, weights, bias in zip(names, layer.weight, layer.bias, strict=True):
            print(f"  {name}" + "".join(f"{w:8.2f}" for w in [*weights.tolist(), bias.item()]))

    print("\n  x₁ x₂      h₁     h₂       p  wanted")
    with minigrad.no_grad():
        h = model[1](model[0](x))
        p = model(x)
    rows = zip(*(t.tolist() for t in (x, h, p, y)), strict=True)
    for (a, b), (h1, h2), (answer,), (wanted,) in rows:
        print(f"  {a:2.0f} {b:2.0f}   {h1:5.2f}  {h2:5.2f}   {answer:5.3f}  {wanted:6.0f}")

    print(f"\nstarts out of {starts} from which 1,000 steps reach a loss below 0.05")
    for units in (1, 2, 3, 4):
        learnt = sum(train(units, seed)[1] < 0.05 for seed in range(starts))
        print(f"  {units} hidden unit{'s' if units > 1 else ' '}  {learnt:2d}  {'█' * learnt}")
    return loss


# %%
if __name__ == "__main__":
    command_line(__doc__).parse_args()
    main()
