"""Mistakes that a type checker names before a program runs: one on each line marked as such."""

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import datasets, nn, optim
from minigrad.utils.data import DataLoader

x = mg.ones(4, 2)
y = mg.zeros(4, dtype=mg.int64)
model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 3))

optimizer = optim.SGD(model.parameters(), lr="0.1")  # mistake: a string for a number
loader = DataLoader(datasets.digits(), batchsize=8)  # mistake: no such argument
loss = nn.CrossEntropyLoss()(model(x))  # mistake: the labels are forgotten
loss = F.cross_entropy(optimizer, y)  # mistake: an optimizer in the place of the logits
model(x).backwards()  # mistake: no such method
hidden = nn.Linear(2)  # mistake: how many features come out?
flat = x.reshape("4", 2)  # mistake: a string for a size
loss = F.mse_loss(model(x), y, reduce="mean")  # mistake: the older name of reduction
for images, _ in DataLoader(datasets.digits()):
    images.flatten().meen()  # mistake: no such method of a batch
mg.save(model.state_dict())  # mistake: where to?
x.grad.zero()  # mistake: zero_, or None
