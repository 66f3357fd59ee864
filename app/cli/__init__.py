"""The command line: `serve` (the default), `models`, `inspect`; one file each."""
