"""The rows of the book's symbol tables, and those that are not lit everywhere, with the reason."""

import re
from html import unescape

# Page and first name in code, or the symbol where there is none -> why.
EXEMPT = {
    "adam t": "the kernel reads it from a record, as u.t",
    "arithmetic y": "the row stands for the results of all operations",
    "arithmetic da, db, dx": "the row stands for the gradients of all operations",
    "batch_renorm sigma": "the kernel works with its inverse, inv_std",
    "binary_cross_entropy z": "the rule is given probabilities, not the logits behind them",
    "broadcasting b": "the rule serves all operations and names none of their operands",
    "broadcasting B": "the rule serves all operations and names none of their operands",
    "chain_rule v,k": "no value, but any",
    "chain_rule v→k": "an arrow, not a value",
    "chain_rule L": "the engine walks from any node and has no name for a loss",
    "chain_rule dv": "the engine calls what arrives at a node dy",
    "chain_rule ∂k/∂v": "every rule has its own",
    "cross_entropy y": "the kernel has probabilities in its scratch row only",
    "cross_entropy label_smoothing": "the lines that compute call its two parts soft and hard",
    "gelu Phi": "the kernel computes it in a function of its own",
    "group_norm G": "the kernel sees one group at a time",
    "log_softmax rest": "the kernel takes its logarithm at once",
    "minmax w": "the rule keeps a mask, taken",
    "reductions k": "the kernel is given the divisor",
    "reductions dx_sum": "a name for each reduction here; every rule calls its own dx",
    "relu L": "the loss is not computed on this page",
    "selection c": "the rule spells it out, condition",
    "selection y": "the page gives the output of each choice a name of its own",
    "softmax e": "the kernel has exponentials in its scratch row only",
}


def plain(html):
    return unescape(re.sub(r"<[^>]*>", "", html))


def rows(page, html):
    """(key in EXEMPT, names in code) of every row of a page's symbol table."""
    for table in re.findall(r"<table class=symbols>.*?</table>", html, re.S):
        for row in re.findall(r"<tr>(.*?)</tr>", table, re.S)[1:]:
            symbol, code = re.findall(r"<td.*?</td>", row, re.S)[:2]
            names = re.findall(r"<code>(\w+)(?:\([^<]*)?</code>", code)
            yield f"{page} {names[0] if names else plain(symbol)}", names
