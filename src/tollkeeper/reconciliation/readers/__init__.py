"""What AI providers report about an organisation: usage and costs, read over HTTP, in our words and units."""
