"""One page for developers with all the parts that pages are made of."""
