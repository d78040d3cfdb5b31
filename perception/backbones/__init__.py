"""Encoders: convolutional networks that map camera frames to features; importing the package registers them."""

from camshaft.perception.backbones.alexnet import AlexNet, AlexNetPaper
from camshaft.perception.backbones.encoder import Encoder, Preprocessing, StagedEncoder
from camshaft.perception.backbones.googlenet import GoogLeNet
from camshaft.perception.backbones.lenet import LeNet5
from camshaft.perception.backbones.nature_cnn import NatureCNN
from camshaft.perception.backbones.pilotnet import PilotNet
from camshaft.perception.backbones.policy_resnet import PolicyResNet
from camshaft.perception.backbones.resnet import ResNet
from camshaft.perception.backbones.timm_bridge import TimmEncoder
from camshaft.perception.backbones.vgg import VGG16
from camshaft.perception.backbones.zfnet import ZFNet

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
