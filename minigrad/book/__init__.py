"""The book: every page of docs/ as HTML, with the lines that compute an equation beside it.

commands   what `python -m minigrad book` does
opening    `minigrad.explain`: from a tensor to the page of its operation
subject    `minigrad.source`: rule, kernel, NumPy twin and derivation of a subject, as text
asked      what it is asked for: a function, a layer, a tensor, a name
pieces     functions and classes as pieces of their files
shelf      where the built pages are: in a wheel, in a folder of one's own, in the cache
building   all pages of the site, in the one reading order
contents   which pages there are, and their order
page       one page as HTML: header, text, what comes before and after; the contents of all
markdown   from Markdown to HTML
formulas   from TeX to MathML
code       highlighted source
excerpts   the lines of kernels and rules that cite an equation
citations  equation numbers in sources
panels     what stands beside an equation: a little in the page, all of it in the page's script
measured   how far equal expressions of a page are apart
jacobians  every operation's Jacobian on a small example, as cells
heat       how much of a line of Cython still calls Python, on the ladders
sources    the quoted files, whole, as pages of their own

`building` and what it imports need markdown-it-py, latex2mathml, Pygments and Cython. setup.py
builds the pages of a wheel when its kernels are compiled, for they run the pages.
"""
