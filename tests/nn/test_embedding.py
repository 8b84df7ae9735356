"""The layer: torch's names, start and printed form."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


def test_it_starts_from_normal_numbers_and_the_padding_row_from_zeros():
    mg.manual_seed(0)
    layer = nn.Embedding(1000, 20, padding_idx=-1)
    weight = layer.weight.detach().numpy()
    assert layer.padding_idx == 999 and not weight[999].any()
    assert abs(weight.mean()) < 0.03 and abs(weight.std() - 1) < 0.03


def test_states_and_texts_are_torchs(torch):
    for arguments in ((5, 3), (5, 3, 1)):
        ours, theirs = nn.Embedding(*arguments), torch.nn.Embedding(*arguments)
        assert repr(ours) == repr(theirs)
        ours.load_state_dict(
            {name: mg.tensor(value.numpy()) for name, value in theirs.state_dict().items()}
        )
        index = np.array([[0, 4], [1, 1]])
        np.testing.assert_array_equal(
            ours(mg.tensor(index)).detach().numpy(), theirs(torch.tensor(index)).detach().numpy()
        )


def test_from_pretrained():
    table = mg.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    frozen = nn.Embedding.from_pretrained(table)
    assert repr(frozen) == "Embedding(3, 2)" and not frozen.weight.requires_grad
    assert frozen(mg.tensor([2])).tolist() == [[5.0, 6.0]]
    assert nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.Embedding(-1, 2), ValueError, "Embedding: num_embeddings must be >= 0"),
        (lambda: nn.Embedding(2, 2.0), TypeError, "Embedding: embedding_dim must be an integer"),
        (lambda: nn.Embedding(2, 2, 2), ValueError, "padding_idx must be from -2 to 1, got 2"),
        (lambda: nn.Embedding(2, 2, sparse=True), ValueError, "Embedding: .*sparse are not there"),
        (lambda: nn.Embedding.from_pretrained(np.ones((2, 2))), TypeError, "must be a Tensor, got"),
        (lambda: nn.Embedding.from_pretrained(mg.ones(2)), ValueError, "must be a matrix"),
    ],
)
def test_wrong_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()
