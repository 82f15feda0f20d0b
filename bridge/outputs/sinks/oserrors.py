"""Reasons of failures for targets on files and descriptors."""

from __future__ import annotations

import errno

_REASONS = {
    errno.ENOSPC: "disk_full", errno.EDQUOT: "disk_full", errno.EFBIG: "disk_full",
    errno.EACCES: "permission", errno.EPERM: "permission", errno.EROFS: "permission",
    errno.ENOENT: "missing", errno.ENOTDIR: "missing", errno.ESTALE: "missing",
    errno.EPIPE: "closed_pipe", errno.EIO: "io",
}  # fmt: skip
OS_REASONS = (*dict.fromkeys(_REASONS.values()), "other")


def reason_of(error: OSError) -> str:
    """One of OS_REASONS."""
    return _REASONS.get(error.errno or 0, "other")
