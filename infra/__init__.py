"""The cloud: CDK stacks and constructs. They read the node registry; nothing in `src` knows of them."""
