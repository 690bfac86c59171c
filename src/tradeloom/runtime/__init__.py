"""What a Lambda handler is made of: the task's envelope, its context, payload references, observability."""
