"""Text in, text out: layers, references and the edits of a rewrite; no file, no screen, no torch."""
