"""Claim, fence, settle, sweep: what keeps accepted mail from being lost or silently doubled."""
