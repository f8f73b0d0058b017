"""Power loss, failing disks and killed processes."""
