"""One figure a file; each has `measure() -> list[Row]`."""
