"""What a log or a page of metrics says of a load: figures, and the keys of a profile that follow from them."""
