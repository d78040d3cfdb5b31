"""What networks of roads look like: paving, curbs and markings, and what stands beside them."""
