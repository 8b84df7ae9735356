"""What the pages of the lab say that no run measures: why bounds are missed, and what to read.

And how values, seeds and lists are written there.
"""

INTRODUCTION = """
# The lab: what is said of batch normalization, measured

`python -m minigrad lab` lists these claims. `python -m minigrad lab A7` runs one: it prints the
protocol, every measured value, and a verdict. It writes the numbers as JSON and a figure as SVG
into the folder `lab`. Each claim has a page here, and is one file of
[minigrad/lab](../minigrad/lab/__init__.py), written to be read.

New here? Take [A9](lab/A9.md), [B7](lab/B7.md) and [B3](lab/B3.md) first. Claims A are exact, or
follow from theory. Claims B are trainings on MNIST. Claims C are sentences that one often hears.
The numbering is that of a longer list, so some numbers are missing.
[Why does batch norm help?](why_batch_norm.md) puts the answers side by side,
[the derivation](derivations/batch_norm.md) has the formulas, and [what five articles
say](articles.md) is held against these runs.

The bounds were fixed before this code first ran, after prototypes in another framework. They stay
as they were, also where a run misses them. A claim holds if every bound is kept. Published values
are those of the paper or text named. "Not checked": it was quoted from memory. "None" is the same
network without normalization. "Does not hold" means that a bound was missed, which may be one of
ten.

The runs were made on one thread, with the seeds that the table names. Seconds are those of one
core. On another machine digits can differ.
"""

UNKNOWN = ("What is known about the miss", "Nothing yet.")
WHY = {  # claim: whether the reason is known, and what is known
    "A3": (
        "Why the bound is missed",
        """ε = 1e-8 is part of the protocol, and at k = .1 it counts 100 times as much beside σ².
        That is little, but a relu may change sides for it. With ε = 1e-12, or with tanh in place of
        relu, the losses stay together: the table has both.""",
    ),
    "B2": (
        "What is known about the miss",
        """One seed misses one bound, by .0023; the other keeps them all. The published value of
        this cell is that of a single run.""",
    ),
    "B3": (
        "Why the bound is missed",
        """A sigmoid's slope is at most 1/4, and weights N(0, .1²) on 100 inputs keep the length of
        a gradient. So a layer costs a factor near 4. The prototype had 4.3 per layer from depth 3
        to 12: the bound of 5 was never met. All else that the claim says was found.""",
    ),
    "B10": (
        "What is known about the miss",
        """The smaller range of the loss and the smaller change of the gradient were found. Per
        distance moved the relu networks differ by less than the bound asks. The prototype had 2.0
        there, with batches whose size is not on record.""",
    ),
    "B11": (
        "What is known about the miss",
        """Relu loses accuracy, by less than the bound. How much depends on the first weights, which
        the prototype does not name. With N(0, .05²) it is more: the table has it.""",
    ),
    "B18": (
        "What is known about the miss",
        """The bound is what the prototype reached; its batches are not on record. Two passes in
        batches of 64 are 314 steps, and the seeds lie on either side of the bound. Smaller batches
        would mean more steps.""",
    ),
}

TAKE = {  # claim: what it is good for
    "A1": "Whoever writes batch norm by hand can check it against these formulas.",
    "A2": "In front of batch norm the length of the weights only says how large a step is. They "
    "grow, so steps shrink by themselves.",
    "A3": "Whoever changes the scale of the first weights changes the learning rate.",
    "A4": "Nothing is lost. But what γ and β undo is the statistics of all data; those of a small "
    "batch differ.",
    "A5": "A number called momentum means two opposite things. Look up which, before you copy it.",
    "A6": "In evaluation batch norm need not cost anything: fold it into the layer before.",
    "A7": "A very deep plain network with batch norm starts with gradients that explode. Whether "
    "they explode, vanish or stay rests on the activation and the first weights, too: see B3 and "
    "B4.",
    "A8": "Depth alone makes all rows of a batch alike; batch norm keeps them apart.",
    "A9": "Who forgets `eval()` and asks about one image learns nothing about the image.",
    "B1": "Ask for learning rate and first weights before you believe a curve. Where they suit the "
    "plain network, little is gained, or nothing.",
    "B2": "Batch norm forgives a bad learning rate and bad first weights. It adds less to good "
    "ones.",
    "B3": "If a deep network of sigmoids does not move, look at its first gradients.",
    "B4": "With batch norm, try larger learning rates than without.",
    "B6": "If only a few images fit into a batch, take group norm.",
    "B7": "If training is good and evaluation bad, recompute the statistics before you doubt the "
    "network.",
    "B8": "Shuffle. A batch of few classes has the statistics of few classes.",
    "B10": "One more reason that was proposed for why batch norm helps. For relu two of its three "
    "measures were found here, for the linear network all.",
    "B11": "In a batch norm of your own, let the gradient pass through μ and σ.",
    "B12": "The shift is smaller, and almost has to be. That does not make it the reason: see C5.",
    "B15": "Batch norm has a price: noise and attacks cost it more.",
    "B16": "Ghosts of 16 images are better than none with all three seeds. Ghosts of 4 are worse "
    "with one seed, and better with two.",
    "B17": "Where only few images fit into a batch, layer norm loses less.",
    "B18": "After few steps, evaluate with statistics that were computed anew.",
    "B19": "Without batch norm, scale the pixels. With it that hardly matters.",
    "C1": "Write `bias=False` in front of batch norm.",
    "C2": "In training a single row is an error, and a single image is not.",
    "C3": "A gradient that leaves out μ and σ is no approximation: it pulls at what has no effect.",
    "C4": "Behind batch norm the width of the first weights matters little.",
    "C5": "Inputs that move cost nothing here. What does help is not shown: in this small network "
    "batch norm gains no accuracy that one would have to explain.",
}

READ = {  # claim: other claims and pages, in the order in which one might read them
    "A1": "derivations/batch_norm.md path/12_by_hand.md",
    "A2": "A3 C4",
    "A3": "A2 B4",
    "A4": "derivations/batch_norm.md A6",
    "A5": "batch_norm_conventions.md B7",
    "A6": "A4 derivations/conv2d.md",
    "A7": "A8 B3 where_to_start.md",
    "A8": "A7 where_to_start.md",
    "A9": "B7 C2 path/13_two_modes.md",
    "B1": "B2 B12 why_batch_norm.md",
    "B2": "B1 B4 where_to_start.md",
    "B3": "A7 derivations/sigmoid.md where_to_start.md",
    "B4": "A3 A7 B2",
    "B6": "B17 B16 derivations/group_norm.md derivations/batch_renorm.md",
    "B7": "A9 batch_norm_conventions.md",
    "B8": "B6 derivations/batch_renorm.md",
    "B10": "B12 B4 why_batch_norm.md",
    "B11": "C3 A1 derivations/batch_norm.md",
    "B12": "C5 B1 B10 why_batch_norm.md",
    "B15": "B16",
    "B16": "B6 derivations/batch_norm.md",
    "B17": "B6 derivations/layer_norm.md",
    "B18": "B7 batch_norm_conventions.md",
    "B19": "B4 A3",
    "C1": "C3 derivations/batch_norm.md",
    "C2": "A9 derivations/layer_norm.md",
    "C3": "B11 C1",
    "C4": "A2 B2 where_to_start.md",
    "C5": "B12 B10 why_batch_norm.md",
}


def value(check):
    measured = check["measured"]
    if isinstance(measured, bool):
        return "yes" if measured else "no"
    if isinstance(measured, str):
        return measured
    return f"{measured:,.0f}" if abs(measured) >= 1000 else format(measured, ".4g")


def seeds(found):
    return f"seed{'s' * (len(found) > 1)} {listed(str(each['seed']) for each in found)}"


def bullets(lines):
    return "\n".join(f"- {each}" for each in lines)


def listed(words):
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
