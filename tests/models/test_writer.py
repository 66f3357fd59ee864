"""What a writer says and sees equals transformers: its greedy tokens, and the last row of eager's full maps."""

from __future__ import annotations

import pytest
import torch
from transformers import DynamicCache, EncoderDecoderCache, OpenAIGPTConfig, OpenAIGPTLMHeadModel

from app.attention.recorder import PassStopped
from app.models.build import network_of
from app.models.families import family_of
from app.models.forward import Network
from app.models.self_check import eager_maps
from app.models.writer import AnswerWriter, DecoderWriter, MaskWriter, Seen
from tests.models.tiny import EXACT, WEIGHTS_ONLY, inputs, tiny

LIMIT = 1e-5
STEPS = 8
"""With the text, more than the windows of the tiny models with one."""

DECODERS = [name for name in (*EXACT, *WEIGHTS_ONLY) if tiny(name).layout.kind == "decoder"]
BOTH = [name for name in EXACT if tiny(name).layout.kind == "encoder-decoder"]
MASKED = [name for name in (*EXACT, *WEIGHTS_ONLY) if tiny(name).layout.kind == "encoder"]


def never() -> bool:
    return False


def rows_apart(network: Network, given: dict[str, torch.Tensor], seen: Seen, query: int = -1) -> float:
    """The largest difference between the rows that were seen and those of full maps by eager attention."""
    eager = eager_maps(network, given)
    return max(
        float((layer[:, query] - row).abs().max())
        for stack, rows in seen.rows.items()
        for layer, row in zip(eager[stack], rows, strict=True)
    )


@pytest.mark.parametrize("name", DECODERS)
def test_a_continued_text(name: str) -> None:
    network = tiny(name)
    text = inputs(network, 9)["input_ids"]
    ids, written, worst = text, [], 0.0
    writer = DecoderWriter(network, never)
    unread = text[0].tolist()
    for _ in range(STEPS):
        seen = writer.read(unread)
        assert seen.rows["decoder"].shape[2] == ids.shape[1]
        worst = max(worst, rows_apart(network, {"input_ids": ids}, seen))
        assert writer.cached
        assert seen.row_sum_error <= LIMIT
        assert (seen.z_difference is None) == (network.capture == "weights")
        assert seen.z_difference is None or seen.z_difference <= LIMIT
        unread = [int(seen.logits.argmax())]
        written += unread
        ids = torch.cat([ids, torch.tensor([unread])], dim=1)
    assert worst <= LIMIT, f"largest difference of a new row {worst:.2e}"
    theirs = network.model.generate(
        text, max_new_tokens=STEPS, do_sample=False, eos_token_id=None, pad_token_id=0
    )  # greedy
    assert written == theirs[0, 9:].tolist()
    full = torch.cat([text, theirs[:, 9:]], dim=1)[:, :-1]
    logits = network.model(full).logits[0, -1].float()
    difference = float((seen.logits - logits).abs().max()) / max(1.0, float(logits.abs().max()))
    assert difference <= LIMIT, f"largest difference of a logit {difference:.2e}"


def test_a_model_without_a_cache_reads_its_text_again() -> None:
    """OpenAI's first GPT takes a cache and ignores it: with the last token alone it would write nonsense, silently."""
    torch.manual_seed(0)
    config = OpenAIGPTConfig(vocab_size=99, n_embd=32, n_layer=3, n_head=4)
    model = OpenAIGPTLMHeadModel._from_config(config, attn_implementation="eager").eval().requires_grad_(False)
    network = network_of(model, family_of("openai-gpt"), True, False)
    ids = inputs(network, 9)["input_ids"]
    writer = DecoderWriter(network, never)
    seen = writer.read(ids[0].tolist())
    for _ in range(3):
        assert not writer.cached
        assert rows_apart(network, {"input_ids": ids}, seen) <= LIMIT
        logits = model(ids).logits[0, -1]
        assert float((seen.logits - logits).abs().max()) <= LIMIT
        unread = [int(seen.logits.argmax())]
        ids = torch.cat([ids, torch.tensor([unread])], dim=1)
        seen = writer.read(unread)


@pytest.mark.parametrize("name", BOTH)
def test_an_answer(name: str) -> None:
    network = tiny(name)
    text = inputs(network, 9)["input_ids"]
    start = network.model.config.decoder_start_token_id
    written: list[int] = []
    worst = 0.0
    writer = AnswerWriter(network, {"input_ids": text}, never)
    unread: list[int] = []
    for _ in range(STEPS):
        seen = writer.read(unread)
        given = {"input_ids": text, "decoder_input_ids": torch.tensor([[start, *written]])}
        assert {stack: rows.shape[2] for stack, rows in seen.rows.items()} == {"decoder": len(written) + 1, "cross": 9}
        worst = max(worst, rows_apart(network, given, seen))
        unread = [int(seen.logits.argmax())]
        written += unread
    assert worst <= LIMIT, f"largest difference of a new row {worst:.2e}"
    theirs = network.model.generate(
        text, max_new_tokens=STEPS, do_sample=False, eos_token_id=None, forced_eos_token_id=None, pad_token_id=0,
        past_key_values=EncoderDecoderCache(DynamicCache(), DynamicCache()),
    )  # fmt: skip
    assert written == theirs[0, 1:].tolist()


@pytest.mark.parametrize("name", MASKED)
def test_filled_masks(name: str) -> None:
    network = tiny(name)
    ids = inputs(network, 11)["input_ids"]
    masks = [2, 5, 9]
    ids[0, masks] = 4
    writer = MaskWriter(network, {"input_ids": ids}, masks, never)
    unread: list[int] = []
    worst = apart = 0.0
    for mask in masks:
        seen = writer.read(unread)
        output = network.model(ids, **network.family.arguments)
        logits = output.logits[0, mask].float()
        apart = max(apart, float((seen.logits - logits).abs().max()) / max(1.0, float(logits.abs().max())))
        worst = max(worst, rows_apart(network, {"input_ids": ids}, seen, mask))
        unread = [int(logits.argmax())]
        ids = ids.clone()
        ids[0, mask] = unread[0]
    assert worst <= LIMIT, f"largest difference of a mask's row {worst:.2e}"
    assert apart <= LIMIT, f"largest difference of a logit {apart:.2e}"


@pytest.mark.parametrize("name", ["llama", "bloom", "bert", "t5"])
def test_it_stops_within_a_layer(name: str) -> None:
    network = tiny(name)
    given = inputs(network, 9)
    asked = 0

    def stopped() -> bool:
        nonlocal asked
        asked += 1
        return asked == 2

    def read() -> None:
        if network.layout.kind == "encoder-decoder":
            AnswerWriter(network, {"input_ids": given["input_ids"]}, stopped)
        elif network.layout.kind == "encoder":
            MaskWriter(network, {"input_ids": given["input_ids"]}, [3], stopped).read([])
        else:
            DecoderWriter(network, stopped).read([7, 8, 9])

    with pytest.raises(PassStopped):
        read()
    assert asked == 2


def test_a_token_costs_one_token_and_not_the_text() -> None:
    """The second reading sends one query through every layer, whatever stands before it."""
    network = tiny("llama")
    sizes: list[int] = []
    hook = network.layout.layers["decoder"][0].register_forward_pre_hook(lambda _, args: sizes.append(args[0].shape[1]))
    writer = DecoderWriter(network, never)
    writer.read(list(range(5, 45)))
    writer.read([7])
    hook.remove()
    assert sizes == [40, 1]
