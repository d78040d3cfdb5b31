"""Triangle meshes: geometry, normals, surfaces, labels and files."""
