"""Saving and loading.

    checkpoint    `save` and `load`: what a file holds, and what is refused
    atomic_write  a file appears whole or not at all
"""
