"""How tensors look: as text, and their graph as a picture.

    html       small tables and trees for notebooks, of everything
    printing   the text of a tensor
    graph      what `tensor.graph()` returns
    svg        boxes and arrows, laid out and drawn
    walk       what `tensor.walk()` returns: a backward pass, contribution by contribution
    rules      what the docstring of a rule says: formulas, and their place in the book
    modules    boxes grouped by the module that owns them
    walk_page  its page, with walk.css and walk.js
    terminal   text for terminals that do not know every letter; parsers of commands
    compiled   the source of compiled functions, for `inspect` and IPython
"""
