"""What subscribers of runs are told, and how it travels. Knows neither engine nor cloud: both publish by it."""
