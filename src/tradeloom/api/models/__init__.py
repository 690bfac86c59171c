"""What the API answers with. Every field is described: the OpenAPI document and its clients are made from here."""
