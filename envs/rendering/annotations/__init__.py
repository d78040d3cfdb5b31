"""Annotations of images: normals, positions, motion, boxes and keypoints."""
