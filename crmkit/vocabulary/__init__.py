"""Vocabulary: what a company names itself, by a key for programs and labels for people."""
