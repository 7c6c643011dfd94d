"""What must hold where torch is not installed; nothing in this folder imports it."""
