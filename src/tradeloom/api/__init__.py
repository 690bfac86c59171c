"""The HTTP API: routes, one file per resource, on one resolver that Lambda and the local server share."""
