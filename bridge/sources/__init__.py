"""Where events come from: one folder of adapters behind one port."""
