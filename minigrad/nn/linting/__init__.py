"""`nn.lint`: mistakes that pass without a word, seen in a model, its optimizer, its loss.

record    what layers and optimizers note while they work
finding   what `lint` returns: the findings, and the words for each mistake
history   the graph of a loss, as the checks read it
graph     mistakes that show in the graph: which operation follows which
values    mistakes that show in the numbers of a batch
model     mistakes that show in the model itself
training  mistakes that show in the optimizer, and in what became of gradients
trial     one run of a copy of the model
lint      the function
"""
