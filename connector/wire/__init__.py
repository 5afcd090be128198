"""Everything that crosses the queue, and nothing else: the letterbox between dispatcher and workers.

Both houses import this room; it imports neither, and it touches no outside thing.
"""
