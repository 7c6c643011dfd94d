"""Optimisers that mean exactly what torch's mean, the book's variants, and gradient clipping.

They read `Parameter.grad` and write into `Parameter.data` in place. Where a textbook writes an
update in another form, the class says when the two are the same.
"""

from scratch.optim.adam import Adam, AdamW
from scratch.optim.adaptive import Adadelta, Adagrad, RMSprop
from scratch.optim.base import Group, Optimizer
from scratch.optim.book import BookRMSprop, BookSGD
from scratch.optim.clip import clip_grad_norm_
from scratch.optim.sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "BookRMSprop",
    "BookSGD",
    "Group",
    "Optimizer",
    "RMSprop",
    "clip_grad_norm_",
]
