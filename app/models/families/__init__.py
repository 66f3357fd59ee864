"""The architectures that need a word of their own, by `model_type`. Everything else is served by the defaults."""

from __future__ import annotations

from app.models.families import bert, t5, xlnet
from app.models.families.family import Family

FAMILIES: dict[str, Family] = {
    "albert": bert.ALBERT,
    "bert": bert.BERT,
    "camembert": bert.ROBERTA,
    "data2vec-text": bert.ROBERTA,
    "deberta": bert.BERT,
    "deberta-v2": bert.BERT,
    "distilbert": bert.DISTILBERT,
    "electra": bert.ELECTRA,
    "ibert": bert.ROBERTA,
    "modernbert": bert.MODERNBERT,
    "mpnet": bert.MPNET,
    "mt5": t5.T5,
    "roberta": bert.ROBERTA,
    "roberta-prelayernorm": bert.ROBERTA,
    "t5": t5.T5,
    "umt5": t5.T5,
    "xlm-roberta": bert.ROBERTA,
    "xlm-roberta-xl": bert.ROBERTA,
    "xlnet": xlnet.XLNET,
    "xmod": bert.ROBERTA,
}

DEFAULT = Family()


def family_of(model_type: str) -> Family:
    """The family of a configuration's `model_type`; the defaults where it has none."""
    return FAMILIES.get(model_type, DEFAULT)
