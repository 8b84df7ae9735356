"""One body, two heads, two losses, two calls of backward per step."""

import minigrad as mg
from minigrad import nn, optim


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 16), nn.ReLU())
        self.heads = nn.ModuleDict({"kind": nn.Linear(16, 3), "size": nn.Linear(16, 1)})

    def forward(self, x):
        h = self.body(x)
        return self.heads["kind"](h), self.heads["size"](h)


mg.manual_seed(0)
x = mg.randn(64, 6)
model = TwoHeads()
optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
for _ in range(8):
    optimizer.zero_grad()
    kind, size = model(x)
    nn.functional.mse_loss(size, x[:, :1]).backward(retain_graph=True)
    nn.functional.cross_entropy(kind, x[:, :3].argmax(1)).backward()
    optimizer.step()
