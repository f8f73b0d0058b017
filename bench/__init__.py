"""Posthouse beside other servers on the same machine: `python -m bench --help`.

Every server runs alone in its own temporary folder, durable before its reply, under a keeper
that counts the processor time of all its processes. Rounds are interleaved: each round measures
every server once in every row, and a figure is the median over the rounds.
"""
