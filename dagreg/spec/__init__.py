"""Text to `Spec`: YAML with its positions, the edge and prior grammars, every mistake located."""
