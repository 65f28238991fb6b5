"""Wrong implementations of haz, each by one small change; the kit has to find them."""
