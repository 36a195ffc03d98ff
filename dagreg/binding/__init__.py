"""A spec's nodes and a source of data become one table: columns checked, levels found, rows chosen."""
