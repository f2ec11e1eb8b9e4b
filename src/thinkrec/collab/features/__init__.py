"""Numbers about users and items that are counted, not learned by gradients."""
