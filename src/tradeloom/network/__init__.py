"""The one way out to the internet: requests and mail to public servers, and to nothing else."""
