"""Country roads and race tracks: geometry, meshes, scenery."""
