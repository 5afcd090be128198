"""The rows of a plan's steps, held against what is known of their fields and against each other, and cut into batches.

Pure: it says which rows may be sent, and of the others why not. What a row means was decided by `plan`.
"""
