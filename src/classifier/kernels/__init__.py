"""The compiled loops: arrays in, arrays out. The only importer of numba.

Read in this order: `folding`, `marks` and `cleaning` (code points to cleaned code points), `ngrams` (cleaned code
points to n-gram hashes) and `pieces` (to the features of common words), `counting` (hashes of a corpus to a vocabulary
and a count matrix), `lookup` and `scoring` (hashes of a message to scores).
"""
