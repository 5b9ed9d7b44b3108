"""What rows mean: where headings and data lie, which rows are data, what they are known by, which go together. Pure.

Nothing here knows whether rows come from a file that is being read or from rows that were staged before.
"""
