"""Everything known to text, JSON, Markdown and HTML: sections, each a function of the results."""
