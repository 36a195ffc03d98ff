"""From results to readers: one content (`document`), rendered as text, Markdown and HTML; and as JSON."""
