"""Headlight: paste a sentence, look at any attention head of a real transformer, and trust the numbers."""

__version__ = "0.1.0"
