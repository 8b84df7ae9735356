"""Statistics computed anew, by the library and by hand; a folded copy; a teacher and an average."""

import copy

import minigrad as mg
from minigrad import nn, optim

mg.manual_seed(0)
x = mg.randn(64, 6)
y = x[:, :3].argmax(1)
model = nn.Sequential(
    nn.Linear(6, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 3)
)
average = copy.deepcopy(model)
optimizer = optim.Adam(model.parameters(), lr=1e-2)
for _ in range(6):
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()
    with mg.no_grad():
        for mine, theirs in zip(average.parameters(), model.parameters(), strict=True):
            mine.mul_(0.9).add_(0.1 * theirs)
nn.utils.recalibrate(average, [x])
average.eval()
with mg.no_grad():
    average(x)

model.eval()
folded = nn.utils.fold_batch_norm(model)
with mg.no_grad():
    folded(x)

model.train()
model[1].reset_running_stats()
model[1].momentum = None
with mg.no_grad():
    for k in range(4):
        model(x[16 * k : 16 * k + 16])
model.eval()

student = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
optimizer = optim.SGD(student.parameters(), lr=0.1)
for _ in range(4):
    optimizer.zero_grad()
    wanted = (model(x).detach() / 2).softmax(1)
    nn.functional.cross_entropy(student(x) / 2, wanted).backward()
    optimizer.step()
