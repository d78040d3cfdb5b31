"""What networks of roads look like: paving, kerbs and markings, and what stands beside them."""
