"""LeRobotDataset v3.0 folders: format, reader, writer."""
