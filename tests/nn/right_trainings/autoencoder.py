"""An encoder and a decoder that share their weight; the target is the input."""

import minigrad as mg
from minigrad import nn, optim


class Tied(nn.Module):
    def __init__(self, inputs, code):
        super().__init__()
        self.encoder = nn.Linear(inputs, code)
        self.bias = nn.Parameter(mg.zeros(inputs))

    def forward(self, x):
        code = self.encoder(x).tanh()
        return nn.functional.linear(code, self.encoder.weight.t(), self.bias)


mg.manual_seed(0)
x = mg.randn(48, 3) @ mg.randn(3, 12)
model = Tied(12, 3)
optimizer = optim.Adam(model.parameters(), lr=1e-2)
for _ in range(10):
    loss = nn.functional.mse_loss(model(x), x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
