"""The compiled loops: arrays in, arrays out. The only importer of numba.

Read in this order: `cleaning` (code points to cleaned code points), `ngrams` (cleaned code points to n-gram hashes),
`counting` (hashes of a corpus to a vocabulary and a count matrix), `scoring` (hashes of a message to scores).
"""
