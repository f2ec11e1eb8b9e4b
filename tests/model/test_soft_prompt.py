from __future__ import annotations

import pytest
import torch
from support.tiny_lm import make_backbone

from thinkrec.errors import RecipeError
from thinkrec.model.soft_prompt import SoftPrompt, create_soft_prompt


def test_vectors_begin_as_the_embeddings_of_the_words_in_turn() -> None:
    backbone = make_backbone()
    embedding = backbone.model.get_input_embeddings().weight
    soft = create_soft_prompt(backbone, 5, " w3 w7")
    ids = [backbone.tokenizer.convert_tokens_to_ids(word) for word in (" w3", " w7")]
    assert isinstance(embedding, torch.Tensor)
    assert torch.equal(soft.weight, embedding[[ids[0], ids[1], ids[0], ids[1], ids[0]]])
    assert soft.weight.requires_grad


def test_vectors_without_words_begin_at_the_mean() -> None:
    embedding = torch.randn(9, 4, generator=torch.manual_seed(0))
    soft = SoftPrompt(3, 4).init_from_tokens(embedding)
    torch.testing.assert_close(soft.weight.detach(), embedding.mean(0).expand(3, 4))
    assert soft.weight.data_ptr() != embedding.data_ptr()
    assert SoftPrompt(**soft.get_config()).weight.shape == (3, 4)


def test_an_index_picks_its_vector_and_one_too_many_is_refused() -> None:
    soft = SoftPrompt(3, 4).init_from_tokens(torch.arange(12.0).reshape(3, 4), [2, 0, 1])
    assert soft(torch.tensor([1, 1, 0])).tolist() == [[0, 1, 2, 3], [0, 1, 2, 3], [8, 9, 10, 11]]
    assert soft(torch.zeros(0, dtype=torch.int64)).shape == (0, 4)
    with pytest.raises(RecipeError, match=r"soft vector 3, and this recommender has 3 \(0 is the first\); train it"):
        soft(torch.tensor([0, 3]))
