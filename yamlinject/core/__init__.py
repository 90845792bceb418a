"""Text in, text out: layers, references and the edits of a rewrite; no files, no terminal, no torch."""
