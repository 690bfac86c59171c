"""The whole system on one machine: it chooses the adapters and starts and stops the parts in order."""
