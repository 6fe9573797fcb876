"""How files of a lake are put away, placed and brought back: `LakeWriter` is the only way to change a lake."""
