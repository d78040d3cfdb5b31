"""Encoders: convolutional networks from camera frames to features; importing this registers them all."""

from perception.backbones.encoder import Encoder, Preprocessing
from perception.backbones.nature_cnn import NatureCNN
from perception.backbones.pilotnet import PilotNet

__all__ = ["Encoder", "NatureCNN", "PilotNet", "Preprocessing"]
