"""How a batch is carried out, one module per load path; the paths know nothing of each other."""
