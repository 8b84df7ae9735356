"""A trained network whose batch norm stays as it is, and a new head; then only the head."""

import copy

import minigrad as mg
from minigrad import nn, optim

mg.manual_seed(0)
x = mg.randn(64, 6)
y = x[:, :3].argmax(1)
body = nn.Sequential(nn.Linear(6, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU())
model = nn.Sequential(body, nn.Linear(16, 3))


def steps(model, optimizer, count=4):
    for _ in range(count):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()


steps(model, optim.Adam(model.parameters(), lr=1e-2))

whole = nn.Sequential(copy.deepcopy(body), nn.Linear(16, 3))
whole.train()
whole[0][1].eval()
steps(whole, optim.SGD(whole.parameters(), lr=0.05))

headed = nn.Sequential(copy.deepcopy(body), nn.Linear(16, 3))
headed[0].requires_grad_(False).eval()
steps(headed, optim.SGD(headed[1].parameters(), lr=0.05))

new = nn.Sequential(nn.Linear(6, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3))
new.load_state_dict({k: v for k, v in body.state_dict().items()}, strict=False)
groups = [{"params": list(new[0].parameters()), "lr": 1e-3}, {"params": list(new[3].parameters())}]
steps(new, optim.SGD(groups, lr=0.05))
