"""READ: the questions that pages and the API ask, one module per subject; plain functions that take a Session."""
