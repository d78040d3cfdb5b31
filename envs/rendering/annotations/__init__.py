"""Annotations beside images: boxes, keypoints, motion, occlusion."""
