"""What is done through catalogs: tables renamed, views in their place, tags on snapshots."""
