"""The YOLO frameworks: running them with the attention modules known, building their models.

Nothing here imports torch or a framework before it is used.
"""
