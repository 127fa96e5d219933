"""MediaWiki dumps: pages, and markup to text."""
