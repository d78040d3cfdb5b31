"""Encoders: convolutional networks from camera frames to features; importing this registers them all."""

from perception.backbones.alexnet import AlexNet, AlexNetPaper
from perception.backbones.encoder import Encoder, Preprocessing, StagedEncoder
from perception.backbones.googlenet import GoogLeNet
from perception.backbones.lenet import LeNet5
from perception.backbones.nature_cnn import NatureCNN
from perception.backbones.pilotnet import PilotNet
from perception.backbones.policy_resnet import PolicyResNet
from perception.backbones.resnet import ResNet
from perception.backbones.timm_bridge import TimmEncoder
from perception.backbones.vgg import VGG16
from perception.backbones.zfnet import ZFNet

__all__ = [
    "VGG16",
    "AlexNet",
    "AlexNetPaper",
    "Encoder",
    "GoogLeNet",
    "LeNet5",
    "NatureCNN",
    "PilotNet",
    "PolicyResNet",
    "Preprocessing",
    "ResNet",
    "StagedEncoder",
    "TimmEncoder",
    "ZFNet",
]
